# Configures, builds and runs a consumer project: cmake -DKIND=... -DSOURCE=... -DBUILD=... -DWORK=... -P run.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(options -DCMAKE_BUILD_TYPE=Release)
file(REMOVE_RECURSE ${WORK}/prefix)
if(KIND STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  file(GLOB_RECURSE links LIST_DIRECTORIES false ${WORK}/prefix/include/*)
  foreach(header ${links})
    if(IS_SYMLINK ${header})
      message(FATAL_ERROR "${header} was installed as a link")
    endif()
  endforeach()
else()
  # This compiles the whole library once more, to see that it can be embedded: optimised and for every instruction set,
  # that would take minutes.
  set(options -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG= -DCOTANGENT_KERNEL_FLAGS=-O0 -DCOTANGENT_ISA_LEVELS=baseline)
endif()
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/consumer/${KIND} -B ${WORK}/build -G ${GENERATOR} ${options}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCOTANGENT_SOURCE_DIR=${SOURCE}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/build --target consumer consumer_test)
run(${WORK}/build/consumer)
run(${WORK}/build/consumer_test)
if(KIND STREQUAL "add_subdirectory")
  execute_process(COMMAND ${CMAKE_COMMAND} -E env COTANGENT_ISA=v3 ${WORK}/build/consumer ERROR_VARIABLE error OUTPUT_QUIET)
  if(NOT error MATCHES "no kernels for v3; it was compiled for baseline")
    message(FATAL_ERROR "an instruction set without kernels was not refused: ${error}")
  endif()
endif()
