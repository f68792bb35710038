# Runs PROGRAM at LEVEL; where the processor lacks it, says so with success, for the test to be counted as skipped.
set(ENV{COTANGENT_ISA} ${LEVEL})
execute_process(COMMAND ${PROGRAM} --gtest_brief=1 RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(NOT result EQUAL 0 AND NOT output MATCHES "COTANGENT_ISA: this processor cannot run")
  message(FATAL_ERROR "${PROGRAM} at ${LEVEL}: ${result}")
endif()
