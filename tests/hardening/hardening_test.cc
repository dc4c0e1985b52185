// SPDX-License-Identifier: Apache-2.0
// Reads the program headers of the release program (64-bit ELF): position
// independent, read-only after relocation, bound at start, no executable stack,
// stack protector in use; and every library it asks for stands in the SBOM. A
// sample without hardening shows that each check can fail.
#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

struct Hardening {
  bool position_independent = false;
  bool relro = false;
  bool bound_at_start = false;
  bool executable_stack = true;
  bool stack_protector = false;
};

// The parts of an ELF file that the checks look at.
struct Program {
  std::string bytes;
  std::vector<Elf64_Phdr> parts;
  std::vector<Elf64_Dyn> dynamic;
};

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <typename T>
std::vector<T> ReadTable(const std::string& bytes, uint64_t offset,
                         uint64_t count) {
  const bool fits =
      offset <= bytes.size() && count <= (bytes.size() - offset) / sizeof(T);
  EXPECT_TRUE(fits) << "table outside the file";
  std::vector<T> table(fits ? count : 0);
  if (fits) std::memcpy(table.data(), &bytes[offset], count * sizeof(T));
  return table;
}

Program ReadProgram(const std::string& path) {
  Program program;
  program.bytes = ReadText(path);
  EXPECT_TRUE(program.bytes.starts_with(ELFMAG)) << path << " is no ELF file";
  for (const auto& header : ReadTable<Elf64_Ehdr>(program.bytes, 0, 1)) {
    program.parts =
        ReadTable<Elf64_Phdr>(program.bytes, header.e_phoff, header.e_phnum);
  }
  for (const Elf64_Phdr& part : program.parts) {
    if (part.p_type != PT_DYNAMIC) continue;
    program.dynamic = ReadTable<Elf64_Dyn>(program.bytes, part.p_offset,
                                           part.p_filesz / sizeof(Elf64_Dyn));
  }
  return program;
}

// All bits of the dynamic entries with this tag.
uint64_t DynamicFlags(const Program& program, int64_t tag) {
  uint64_t flags = 0;
  for (const Elf64_Dyn& entry : program.dynamic) {
    if (entry.d_tag == tag) flags |= entry.d_un.d_val;
  }
  return flags;
}

Hardening ReadHardening(const Program& program) {
  Hardening found;
  for (const Elf64_Phdr& part : program.parts) {
    if (part.p_type == PT_GNU_RELRO) found.relro = true;
    if (part.p_type == PT_GNU_STACK) {
      found.executable_stack = (part.p_flags & PF_X) != 0;
    }
  }
  const uint64_t flags_1 = DynamicFlags(program, DT_FLAGS_1);
  found.position_independent = (flags_1 & DF_1_PIE) != 0;
  found.bound_at_start = (flags_1 & DF_1_NOW) != 0 ||
                         (DynamicFlags(program, DT_FLAGS) & DF_BIND_NOW) != 0;
  found.stack_protector =
      program.bytes.find("__stack_chk_fail") != std::string::npos;
  return found;
}

// The offset in the file of an address in memory.
uint64_t FileOffset(const Program& program, uint64_t address) {
  for (const Elf64_Phdr& part : program.parts) {
    if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
        address - part.p_vaddr < part.p_filesz) {
      return address - part.p_vaddr + part.p_offset;
    }
  }
  ADD_FAILURE() << "address outside the file";
  return 0;
}

std::vector<std::string> NeededLibraries(const Program& program) {
  const uint64_t names = FileOffset(program, DynamicFlags(program, DT_STRTAB));
  std::vector<std::string> libraries;
  for (const Elf64_Dyn& entry : program.dynamic) {
    if (entry.d_tag != DT_NEEDED) continue;
    libraries.emplace_back(&program.bytes.at(names + entry.d_un.d_val));
  }
  return libraries;
}

TEST(HardeningTest, ReleaseProgramIsHardened) {
  const Hardening found = ReadHardening(ReadProgram(CYTO8_PROGRAM));
  EXPECT_TRUE(found.position_independent);
  EXPECT_TRUE(found.relro);
  EXPECT_TRUE(found.bound_at_start);
  EXPECT_FALSE(found.executable_stack);
  EXPECT_TRUE(found.stack_protector);
}

TEST(HardeningTest, SampleWithoutHardeningFailsEveryCheck) {
  const Hardening found = ReadHardening(ReadProgram(CYTO8_SAMPLE));
  EXPECT_FALSE(found.position_independent);
  EXPECT_FALSE(found.relro);
  EXPECT_FALSE(found.bound_at_start);
  EXPECT_TRUE(found.executable_stack);
  EXPECT_FALSE(found.stack_protector);
}

TEST(PromiseP22, SbomNamesEveryLibraryThatTheProgramAsksFor) {
  const std::string sbom = ReadText(CYTO8_SOURCE_DIR "/sbom.spdx.json");
  const std::vector<std::string> libraries =
      NeededLibraries(ReadProgram(CYTO8_PROGRAM));
  ASSERT_FALSE(libraries.empty());
  for (const std::string& library : libraries) {
    EXPECT_NE(sbom.find(library), std::string::npos)
        << library << " is in no entry of docs/soup.yaml";
  }
}

TEST(PromiseP22, ReadsTheNamesOfLibraries) {
  const std::vector<std::string> libraries =
      NeededLibraries(ReadProgram(CYTO8_SAMPLE));
  EXPECT_EQ(std::ranges::count(libraries, std::string("libc.so.6")), 1);
}

}  // namespace
