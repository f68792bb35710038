# What `cmake --install` puts where, so that find_package(cotangent) works.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cotangent)
get_property(layers GLOBAL PROPERTY COTANGENT_LAYERS)
install(TARGETS ${layers} EXPORT cotangentTargets FILE_SET HEADERS)
install(EXPORT cotangentTargets NAMESPACE cotangent:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cotangentConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cotangentConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cotangentConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cotangentConfig.cmake
  ${PROJECT_BINARY_DIR}/cotangentConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindOpenBLAS.cmake
  DESTINATION ${package_dir})
