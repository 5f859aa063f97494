#include "base/cpu_topology.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace mao {
namespace {

TEST(CpuTopologyTest, ReadsListsOfCpus) {
  EXPECT_EQ(ParseCpuList("0"), std::vector<int>({0}));
  EXPECT_EQ(ParseCpuList("0-3,8"), std::vector<int>({0, 1, 2, 3, 8}));
  EXPECT_EQ(ParseCpuList("1,33"), std::vector<int>({1, 33}));
  for (const char* broken : {"", "a", "1,", "3-1", "-1", "1-", "1 2", "0-99999999", "1,,2"}) {
    EXPECT_EQ(ParseCpuList(broken), std::nullopt) << broken;
  }
}

class CpuTopologyFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/cpu_topology_test_" + std::to_string(getpid());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(int cpu, const std::string& siblings) {
    const std::string topology = folder_ + "/cpu" + std::to_string(cpu) + "/topology";
    std::filesystem::create_directories(topology);
    std::ofstream(topology + "/thread_siblings_list") << siblings << "\n";
  }

  std::string folder_;
};

TEST_F(CpuTopologyFolderTest, HyperthreadsAreOneCore) {
  for (int cpu = 0; cpu < 8; ++cpu) {
    Write(cpu, std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4));
  }
  const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(GroupByCore(all, folder_), std::vector<CpuCore>({{0, 4}, {1, 5}, {2, 6}, {3, 7}}));
  // The siblings of 1 and of 6 may not be used.
  const std::vector<int> some = {0, 1, 4, 6};
  EXPECT_EQ(GroupByCore(some, folder_), std::vector<CpuCore>({{0, 4}, {1}, {6}}));
}

TEST_F(CpuTopologyFolderTest, CpusOfUnknownTopologyAreCores) {
  Write(0, "0-1");
  Write(2, "nonsense");
  const std::vector<int> cpus = {0, 1, 2, 3};
  EXPECT_EQ(GroupByCore(cpus, folder_), std::vector<CpuCore>({{0, 1}, {2}, {3}}));
}

TEST_F(CpuTopologyFolderTest, ReadsTheQuotaOfAControlGroup) {
  std::filesystem::create_directories(folder_ + "/a/b");
  const auto quota = [&](const std::string& groups, const std::string& cpu_max) {
    std::ofstream(folder_ + "/groups") << groups;
    std::ofstream(folder_ + "/a/b/cpu.max") << cpu_max;
    return CpuQuota(folder_ + "/groups", folder_);
  };
  EXPECT_EQ(quota("0::/a/b\n", "150000 100000\n"), 1.5);
  EXPECT_EQ(quota("4:memory:/other\n0::/a/b\n", "50000 100000\n"), 0.5);
  EXPECT_EQ(quota("4:memory:/a/b\n", "150000 100000\n"), std::nullopt);  // version 1
  EXPECT_EQ(quota("0::/a\n", "150000 100000\n"), std::nullopt);          // no file there
  for (const char* none : {"max 100000", "", "100000", "0 100000", "-1 100000", "1 0", "1 2 3"}) {
    EXPECT_EQ(quota("0::/a/b\n", none), std::nullopt) << none;
  }
  EXPECT_EQ(CpuQuota(folder_ + "/none", folder_), std::nullopt);
}

TEST(CpuTopologyTest, AsManyAsTheAffinityMaskHasAtMost) {
  const size_t all = NumUsableCores();
  EXPECT_GE(all, 1u);
  size_t of_one_cpu = 0;
  std::thread([&] {  // a thread's mask is its own
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    EXPECT_LE(all, static_cast<size_t>(CPU_COUNT(&set)));
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &set)) ++cpu;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    of_one_cpu = NumUsableCores();
  })
      .join();
  EXPECT_EQ(of_one_cpu, 1u);
}

}  // namespace
}  // namespace mao
