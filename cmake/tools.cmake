# Programs that are installed with the library.
add_executable(nyala-doctor "${PROJECT_SOURCE_DIR}/src/tools/doctor.cpp")
set_target_properties(nyala-doctor PROPERTIES CXX_EXTENSIONS OFF INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
target_include_directories(nyala-doctor PRIVATE "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(nyala-doctor PRIVATE NYALA_VERSION="${PROJECT_VERSION}")
target_link_libraries(nyala-doctor PRIVATE nyala::nyala nyala_compile ${CMAKE_DL_LIBS})
if(NYALA_INSTALL)
  install(TARGETS nyala-doctor RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
