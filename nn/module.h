// Modules.
#pragma once
