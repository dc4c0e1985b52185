# SPDX-License-Identifier: Apache-2.0
# The third-party libraries, all from Debian 12, as imported targets. The list
# with versions, licences and reasons is docs/soup.yaml.
#
#   oneDNN            cyto8_dnnl          oneTBB        TBB::tbb
#   OpenCV            cyto8_opencv        protobuf      protobuf::libprotobuf
#   yaml-cpp          yaml-cpp            fmt           fmt::fmt
#   spdlog            spdlog::spdlog      CLI11         CLI11::CLI11
#   nlohmann/json     nlohmann_json::nlohmann_json
#   libjpeg-turbo     JPEG::JPEG          libpng        PNG::PNG
#   OpenSSL           OpenSSL::Crypto     GoogleTest    GTest::gtest_main
#   libtiff           TIFF::TIFF          zlib          ZLIB::ZLIB
#   Google Benchmark  benchmark::benchmark_main
#   OpenSlide         cyto8_openslide

find_package(Threads REQUIRED)
find_package(TBB REQUIRED CONFIG)
find_package(Protobuf REQUIRED)
find_package(yaml-cpp REQUIRED CONFIG)
find_package(fmt REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF REQUIRED)
find_package(ZLIB REQUIRED)
find_package(benchmark REQUIRED CONFIG)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(GTest REQUIRED CONFIG)

# OpenCV's own package file demands every module of OpenCV; only core and
# imgproc are wanted here, and nothing else shall be linked by accident.
# oneDNN's demands the OpenCL headers, which its C++ header does not need.
find_path(CYTO8_OPENCV_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4
                                                                     REQUIRED)
find_library(CYTO8_OPENCV_CORE opencv_core REQUIRED)
find_library(CYTO8_OPENCV_IMGPROC opencv_imgproc REQUIRED)
find_path(CYTO8_DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
find_library(CYTO8_DNNL dnnl REQUIRED)
find_path(CYTO8_OPENSLIDE_INCLUDE_DIR openslide/openslide.h REQUIRED)
find_library(CYTO8_OPENSLIDE openslide REQUIRED)
mark_as_advanced(CYTO8_OPENCV_INCLUDE_DIR CYTO8_OPENCV_CORE
                 CYTO8_OPENCV_IMGPROC CYTO8_DNNL_INCLUDE_DIR CYTO8_DNNL)

add_library(cyto8_opencv INTERFACE)
target_include_directories(cyto8_opencv SYSTEM
                           INTERFACE ${CYTO8_OPENCV_INCLUDE_DIR})
target_link_libraries(cyto8_opencv INTERFACE ${CYTO8_OPENCV_IMGPROC}
                                             ${CYTO8_OPENCV_CORE})

add_library(cyto8_dnnl INTERFACE)
target_include_directories(cyto8_dnnl SYSTEM
                           INTERFACE ${CYTO8_DNNL_INCLUDE_DIR})
target_link_libraries(cyto8_dnnl INTERFACE ${CYTO8_DNNL})

add_library(cyto8_openslide INTERFACE)
target_include_directories(cyto8_openslide SYSTEM
                           INTERFACE ${CYTO8_OPENSLIDE_INCLUDE_DIR})
target_link_libraries(cyto8_openslide INTERFACE ${CYTO8_OPENSLIDE})
