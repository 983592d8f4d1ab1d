# nyala_add_test(NAME n COMMAND c... [LABEL l] [TIMEOUT s] [INPUTS files, folders or targets' files...]
#                [ENVIRONMENT a=b...] [DEPENDS fixture] [SERIAL] [COST seconds])
# A test like any other. Under NYALA_REUSE_PASSES (scripts/test) it is not run again while its command and its INPUTS
# are byte for byte those of a run that passed. COST says about how long one of the long ones takes, so that they start
# first where nothing has been measured yet.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

function(nyala_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SERIAL" "NAME;LABEL;TIMEOUT;DEPENDS;COST" "COMMAND;INPUTS;ENVIRONMENT")
  set(command ${arg_COMMAND})
  if(NYALA_REUSE_PASSES AND arg_INPUTS)
    set(command ${Python3_EXECUTABLE} "${PROJECT_SOURCE_DIR}/tests/house/once.py" --stamp
                "${PROJECT_BINARY_DIR}/passed/${arg_NAME}" --inputs ${arg_INPUTS} -- ${arg_COMMAND})
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${command} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
           COMMAND_EXPAND_LISTS)
  set_tests_properties(${arg_NAME} PROPERTIES SKIP_RETURN_CODE 77 LABELS "${arg_LABEL}"
                                              ENVIRONMENT "OMP_WAIT_POLICY=passive;${arg_ENVIRONMENT}")
  if(arg_TIMEOUT)
    set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT})
  endif()
  if(arg_COST)
    set_tests_properties(${arg_NAME} PROPERTIES COST ${arg_COST})
  endif()
  if(arg_DEPENDS)
    set_tests_properties(${arg_NAME} PROPERTIES FIXTURES_REQUIRED ${arg_DEPENDS})
  endif()
  if(arg_SERIAL)
    set_tests_properties(${arg_NAME} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# Where the tests install the package to, with spaces in its path.
set(NYALA_TRIAL_PREFIX "${PROJECT_BINARY_DIR}/installed for trial")
