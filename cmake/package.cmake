# Install rules and the package that find_package(nyala CONFIG REQUIRED) reads.
if(NOT NYALA_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/nyala)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/mnist" DESTINATION ${CMAKE_INSTALL_DATADIR}/nyala)
install(TARGETS nyala EXPORT nyala)
if(NYALA_CUDA)
  install(TARGETS nyala_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT nyala NAMESPACE nyala:: FILE nyala-targets.cmake DESTINATION ${package_folder})

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/nyala-config.cmake.in" "${PROJECT_BINARY_DIR}/nyala-config.cmake"
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/nyala-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/nyala-config.cmake" "${PROJECT_BINARY_DIR}/nyala-config-version.cmake"
        DESTINATION ${package_folder})
