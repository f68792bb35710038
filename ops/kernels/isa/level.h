// The namespace of code that is written once and compiled for several levels. Internal.
#pragma once

// COTANGENT_ISA is the level's name in files that are compiled for one (dispatch.h). The rest of the library sees the
// same templates under another name, for what does not depend on the level: which functions there are, and their order.
#ifndef COTANGENT_ISA
#define COTANGENT_ISA any_level
#endif
