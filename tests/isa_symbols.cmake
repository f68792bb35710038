# Fails if objects compiled for one instruction set define symbols that the linker may use in place of others' of the
# same name: all but those in the level's own namespaces, and the pointers to the runtime of exceptions.
# Arguments: NM, LEVEL, OBJECTS (separated by |).
string(REPLACE "|" ";" objects "${OBJECTS}")
set(found "")
foreach(object IN LISTS objects)
  execute_process(COMMAND ${NM} -C ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "," symbols "${symbols}")
  string(REGEX MATCHALL "[^\n]* [VWu] [^\n]*" weak "${symbols}")
  list(FILTER weak EXCLUDE REGEX "::${LEVEL}::|Eigen_${LEVEL}|DW\\.ref\\.__g(cc|xx)_personality_v0")
  foreach(symbol IN LISTS weak)
    string(APPEND found "${object}: ${symbol}\n")
  endforeach()
endforeach()
if(found)
  message(FATAL_ERROR "Symbols that other instruction sets may share:\n${found}")
endif()
