# Runs PROGRAM at LEVEL, unless ISA_TEST tells that this is the level of all other tests. Where that is so, or the processor
# lacks the level, it says so with success, for the test to be counted as skipped.
execute_process(COMMAND ${ISA_TEST} --gtest_filter=Isa.TellsItsLevel OUTPUT_VARIABLE output)
if(output MATCHES "level: ${LEVEL}\n")
  message("skipped: the other tests run at ${LEVEL}")
  return()
endif()
set(ENV{COTANGENT_ISA} ${LEVEL})
execute_process(COMMAND ${PROGRAM} --gtest_brief=1 RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(NOT result EQUAL 0 AND NOT output MATCHES "COTANGENT_ISA: this processor cannot run")
  message(FATAL_ERROR "${PROGRAM} at ${LEVEL}: ${result}")
endif()
