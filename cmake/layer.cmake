# A layer is a library of its own with an include root of its own, so that including upwards does not compile.

# cotangent_layer(<name> USES <layer>... SOURCES <file>... HEADERS <public header>... PRIVATE <library>...)
# makes cotangent::<name> from the folder of the same name. Headers are included as "cotangent/<name>/<header>"
# everywhere: here, by add_subdirectory and after an install.
function(cotangent_layer layer)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "USES;SOURCES;HEADERS;PRIVATE")
  set(target cotangent_${layer})
  set(root ${PROJECT_BINARY_DIR}/include/${layer})
  file(MAKE_DIRECTORY ${root}/cotangent)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${layer} ${root}/cotangent/${layer} SYMBOLIC)

  add_library(${target} ${ARG_SOURCES})
  add_library(cotangent::${layer} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${layer} POSITION_INDEPENDENT_CODE ON VERIFY_INTERFACE_HEADER_SETS ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  list(TRANSFORM ARG_HEADERS PREPEND ${root}/cotangent/${layer}/ OUTPUT_VARIABLE headers)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
  list(TRANSFORM ARG_USES PREPEND cotangent::)
  target_link_libraries(${target} PUBLIC ${ARG_USES} PRIVATE ${ARG_PRIVATE} fmt::fmt)
  cotangent_warnings(${target})
  # What most sources include, compiled once, unless ccache would then keep nothing.
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    if(layer STREQUAL "core")
      target_precompile_headers(${target} PRIVATE <algorithm> <cmath> <cstdint> <fmt/format.h> <fmt/ranges.h> <limits> <memory> <optional>
        <string> <string_view> <utility> <vector>)
    else()
      target_precompile_headers(${target} REUSE_FROM cotangent_core)
    endif()
  endif()
  set_property(GLOBAL APPEND PROPERTY COTANGENT_LAYERS ${target})
endfunction()

# The warnings that this project compiles without; they bind only its own files.
function(cotangent_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion -Wno-sign-conversion
    $<$<CXX_COMPILER_ID:Clang>:-Wreorder-init-list> $<$<BOOL:${COTANGENT_WERROR}>:-Werror>)
endfunction()

# cotangent::cotangent, everything, with the front door "cotangent/cotangent.h" and, for tests, "cotangent/testing.h".
function(cotangent_umbrella)
  set(root ${PROJECT_BINARY_DIR}/include/umbrella)
  foreach(header cotangent.h testing.h)
    configure_file(${PROJECT_SOURCE_DIR}/${header} ${root}/cotangent/${header} COPYONLY)
  endforeach()
  add_library(cotangent INTERFACE)
  add_library(cotangent::cotangent ALIAS cotangent)
  set_target_properties(cotangent PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(cotangent INTERFACE FILE_SET HEADERS BASE_DIRS ${root}
    FILES ${root}/cotangent/cotangent.h ${root}/cotangent/testing.h)
  get_property(layers GLOBAL PROPERTY COTANGENT_LAYERS)
  list(TRANSFORM layers REPLACE "^cotangent_" "cotangent::")
  target_link_libraries(cotangent INTERFACE ${layers})
  set_property(GLOBAL APPEND PROPERTY COTANGENT_LAYERS cotangent)
endfunction()

# Sets isa_levels to COTANGENT_ISA_LEVELS, or else all instruction sets of this processor family (core/isa.h), and tells
# the sources.
function(cotangent_choose_isa_levels)
  set(levels baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND levels v2 v3 v4)
  endif()
  if(COTANGENT_ISA_LEVELS)
    foreach(level IN LISTS COTANGENT_ISA_LEVELS)
      if(NOT level IN_LIST levels)
        message(FATAL_ERROR "COTANGENT_ISA_LEVELS: there is no '${level}'; list some of ${levels}")
      endif()
    endforeach()
    if(NOT baseline IN_LIST COTANGENT_ISA_LEVELS)
      message(FATAL_ERROR "COTANGENT_ISA_LEVELS: list baseline too, for processors that have none of the others")
    endif()
    set(levels ${COTANGENT_ISA_LEVELS})
  endif()
  set(isa_levels ${levels} PARENT_SCOPE)
  list(JOIN levels ", " text)
  add_compile_definitions(COTANGENT_ISA_LEVELS="${text}")
endfunction()

# cotangent_isa_kernels(<layer> <file>...) adds files that are compiled once for each of the isa_levels. Eigen's namespace
# gets another name in each, so that the linker cannot mix their code up.
function(cotangent_isa_kernels layer)
  foreach(level IN LISTS isa_levels)
    set(target cotangent_${layer}_${level})
    add_library(${target} OBJECT ${ARGN})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_features(${target} PRIVATE cxx_std_20)
    # Our team of threads is around Eigen's products, also where OpenMP is on.
    target_compile_definitions(${target} PRIVATE COTANGENT_ISA=${level} Eigen=Eigen_${level} EIGEN_DONT_PARALLELIZE)
    target_compile_options(${target} PRIVATE ${COTANGENT_KERNEL_FLAGS} $<$<NOT:$<STREQUAL:${level},baseline>>:-march=x86-64-${level}>
      $<$<STREQUAL:${level},v4>:-mprefer-vector-width=512>)
    # Loops become vector code only where nobody looks at errno and at floating-point exceptions.
    target_compile_options(${target} PRIVATE -fno-math-errno -fno-trapping-math)
    target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/include/${layer} ${PROJECT_BINARY_DIR}/include/core)
    target_link_libraries(${target} PRIVATE Eigen3::Eigen)
    cotangent_warnings(${target})
    # Vector types lose attributes as template arguments, and g++ 12 finds fault with its own AVX-512 headers.
    target_compile_options(${target} PRIVATE -Wno-ignored-attributes
      $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized>)
    target_sources(cotangent_${layer} PRIVATE $<TARGET_OBJECTS:${target}>)
  endforeach()
endfunction()
