# SPDX-License-Identifier: Apache-2.0
# Golden data that lies packed in the tree, data/golden/NAME/NAME.tar.xz, since
# graphs and arrays pack well together. It is unpacked when CMake configures,
# which it does again when an archive changes. A test that reads it links
# cyto8_golden and finds NAME under CYTO8_GOLDEN_DIR.

# cyto8_unpack_golden(NAME)
#
# Whole or not at all: the folder appears under its name when it is complete,
# and its stamp, the archive's hash, after it.
function(cyto8_unpack_golden name)
  set(archive ${PROJECT_SOURCE_DIR}/data/golden/${name}/${name}.tar.xz)
  set(folder ${PROJECT_BINARY_DIR}/golden/${name})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${archive})
  file(SHA256 ${archive} hash)
  set(unpacked "")
  if(EXISTS ${folder} AND EXISTS ${folder}.sha256)
    file(READ ${folder}.sha256 unpacked)
  endif()
  if(unpacked STREQUAL hash)
    return()
  endif()
  file(REMOVE_RECURSE ${folder} ${folder}.part ${folder}.sha256)
  file(MAKE_DIRECTORY ${folder}.part)
  # Neither file(ARCHIVE_EXTRACT) nor this fails if the archive is cut, so its
  # last member, which is empty, has to be there.
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E tar xf ${archive}
    WORKING_DIRECTORY ${folder}.part COMMAND_ERROR_IS_FATAL ANY)
  if(NOT EXISTS ${folder}.part/complete)
    message(FATAL_ERROR "${archive}: is cut")
  endif()
  file(RENAME ${folder}.part ${folder})
  file(WRITE ${folder}.sha256 ${hash})
endfunction()

foreach(name IN ITEMS efficientdet eval graphs)
  cyto8_unpack_golden(${name})
endforeach()

add_library(cyto8_golden INTERFACE)
target_compile_definitions(
  cyto8_golden INTERFACE CYTO8_GOLDEN_DIR="${PROJECT_BINARY_DIR}/golden")
