#include "harness/measure/host_stats.hpp"

#include "harness/measure/control_groups.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace assay {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A /proc of our own, and a place for control groups beside it.
class FakeHost : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "assay_host_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    proc_ = folder_ / "proc";
    groups_ = folder_ / "groups";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void write(fs::path const& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }

  // Version 2 alone, as on Debian 12; we are in /user/assay.
  void use_version_2() {
    write(proc_ / "self/cgroup", "0::/user/assay\n");
    write(proc_ / "self/mountinfo", fmt::format("30 23 0:26 / {} rw,nosuid - cgroup2 cgroup2 rw\n", groups_.string()));
  }

  fs::path folder_, proc_, groups_;
};

TEST_F(FakeHost, what_is_not_there_is_absent_and_not_zero) {
  auto const stats = read_host_stats(proc_);
  EXPECT_FALSE(stats.cpu);
  EXPECT_FALSE(stats.load);
  EXPECT_FALSE(stats.cpu_pressure || stats.io_pressure || stats.memory_pressure);
  EXPECT_FALSE(stats.throttling);
  EXPECT_FALSE(stats.memory_available);
  auto const facts = read_host_facts(proc_);
  EXPECT_FALSE(facts.kernel);
  EXPECT_FALSE(facts.cpu_model);
  EXPECT_FALSE(facts.cpu_quota);
  EXPECT_FALSE(facts.memory_bytes);
  EXPECT_FALSE(facts.memory_limit);
  EXPECT_FALSE(facts.ephemeral_ports);
}

TEST_F(FakeHost, cpu_time_is_split_into_busy_idle_and_stolen) {
  write(proc_ / "stat", "cpu  1000 200 300 4000 500 60 7 80 90 9\ncpu0 1 1 1 1 1 1 1 1 1 1\nctxt 5\n");
  auto const cpu = read_host_stats(proc_).cpu;
  ASSERT_TRUE(cpu);
  auto const tick = Duration{1s} / ::sysconf(_SC_CLK_TCK);
  EXPECT_EQ(cpu->busy, 1567 * tick);  // guest time is part of user time already
  EXPECT_EQ(cpu->idle, 4500 * tick);
  EXPECT_EQ(cpu->steal, 80 * tick);
  write(proc_ / "stat", "cpu  1000 200 300 4000 500 60 7\n");  // before Linux 2.6.11: nobody counted steal
  EXPECT_FALSE(read_host_stats(proc_).cpu);
}

TEST_F(FakeHost, steal_is_a_share_of_the_time_between_two_samples) {
  HostStats before, after;
  EXPECT_FALSE(steal_share(before, after));
  before.cpu = HostStats::Cpu{10s, 80s, 10s};
  EXPECT_FALSE(steal_share(before, after));
  EXPECT_FALSE(steal_share(before, before));
  after.cpu = HostStats::Cpu{11s, 88s, 11s};
  EXPECT_DOUBLE_EQ(steal_share(before, after).value(), 0.1);
}

TEST_F(FakeHost, pressure_is_read_with_and_without_its_second_line) {
  write(proc_ / "pressure/io",
        "some avg10=0.09 avg60=0.04 avg300=0.06 total=7098614\nfull avg10=0.00 avg60=0.00 avg300=0.03 total=6282914\n");
  write(proc_ / "pressure/cpu", "some avg10=7.23 avg60=39.23 avg300=24.43 total=136465759\n");
  auto const stats = read_host_stats(proc_);
  ASSERT_TRUE(stats.io_pressure);
  EXPECT_EQ(stats.io_pressure->some, Duration{7'098'614us});
  EXPECT_EQ(stats.io_pressure->full, Duration{6'282'914us});
  ASSERT_TRUE(stats.cpu_pressure);
  EXPECT_EQ(stats.cpu_pressure->some, Duration{136'465'759us});
  EXPECT_FALSE(stats.cpu_pressure->full);
  EXPECT_FALSE(stats.memory_pressure);
}

TEST_F(FakeHost, facts_are_read_from_where_the_kernel_keeps_them) {
  write(proc_ / "sys/kernel/osrelease", "6.1.0-18-amd64\n");
  write(proc_ / "sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  write(proc_ / "cpuinfo", "processor\t: 0\nmodel name\t: AMD EPYC 7763 64-Core\ncpu MHz\t\t: 2596\n");
  write(proc_ / "meminfo", "MemTotal:       24684092 kB\nMemFree:  1 kB\nMemAvailable:   23991320 kB\n");
  write(proc_ / "loadavg", "2.87 1.83 0.93 1/101 18068\n");
  auto const facts = read_host_facts(proc_);
  EXPECT_EQ(facts.kernel, "6.1.0-18-amd64");
  EXPECT_EQ(facts.cpu_model, "AMD EPYC 7763 64-Core");
  EXPECT_EQ(facts.memory_bytes, std::int64_t{24'684'092} * 1024);
  ASSERT_TRUE(facts.ephemeral_ports);
  EXPECT_EQ(facts.ephemeral_ports->first, 32768);
  EXPECT_EQ(facts.ephemeral_ports->last, 60999);
  EXPECT_EQ(facts.ephemeral_ports->count(), 28232);
  EXPECT_EQ(read_host_stats(proc_).memory_available, std::int64_t{23'991'320} * 1024);
  EXPECT_EQ(read_host_stats(proc_).load, 2.87);
}

TEST_F(FakeHost, the_tightest_limit_of_all_levels_holds) {
  use_version_2();
  write(groups_ / "user/assay/cpu.max", "max 100000\n");
  write(groups_ / "user/cpu.max", "50000 100000\n");
  write(groups_ / "user/assay/memory.max", "max\n");
  write(groups_ / "user/memory.max", "1073741824\n");
  auto const facts = read_host_facts(proc_);
  EXPECT_EQ(facts.cpu_quota, 0.5);
  EXPECT_EQ(facts.usable_cpus, 0.5);
  EXPECT_EQ(facts.memory_limit, 1 << 30);
}

TEST_F(FakeHost, no_limit_on_any_level_is_no_limit) {
  use_version_2();
  write(groups_ / "user/assay/cpu.max", "max 100000\n");
  write(groups_ / "user/assay/memory.max", "max\n");
  auto const facts = read_host_facts(proc_);
  EXPECT_FALSE(facts.cpu_quota);
  EXPECT_FALSE(facts.memory_limit);
  EXPECT_EQ(facts.usable_cpus, facts.cpus);
}

TEST_F(FakeHost, throttling_is_that_of_every_level_with_a_quota) {
  use_version_2();
  write(groups_ / "user/assay/cpu.stat", "usage_usec 5\nnr_periods 10\nnr_throttled 2\nthrottled_usec 1500\n");
  write(groups_ / "user/cpu.stat", "usage_usec 7\n");  // the controller is off here
  write(groups_ / "cpu.stat", "usage_usec 9\nnr_periods 1\nnr_throttled 1\nthrottled_usec 500\n");
  auto const throttling = read_host_stats(proc_).throttling;
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->periods, 11);
  EXPECT_EQ(throttling->throttled_periods, 3);
  EXPECT_EQ(throttling->throttled, Duration{2ms});
}

TEST_F(FakeHost, version_1_controllers_are_preferred_where_they_are_mounted) {
  write(proc_ / "self/cgroup", "4:memory:/job\n1:cpu,cpuacct:/job\n0::/elsewhere\n");
  write(proc_ / "self/mountinfo", fmt::format("32 31 0:29 / {0}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                                              "35 31 0:32 / {0}/memory rw - cgroup cgroup rw,memory\n"
                                              "41 31 0:38 / {0}/unified rw shared:9 - cgroup2 cgroup2 rw\n",
                                              groups_.string()));
  write(groups_ / "cpu/job/cpu.cfs_quota_us", "150000\n");
  write(groups_ / "cpu/job/cpu.cfs_period_us", "100000\n");
  write(groups_ / "cpu/cpu.cfs_quota_us", "-1\n");
  write(groups_ / "cpu/cpu.cfs_period_us", "100000\n");
  write(groups_ / "cpu/job/cpu.stat", "nr_periods 4\nnr_throttled 1\nthrottled_time 2500\n");
  write(groups_ / "memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  write(groups_ / "memory/memory.limit_in_bytes", "536870912\n");
  write(groups_ / "unified/elsewhere/cpu.max", "1 100000\n");
  ControlGroups const groups{proc_};
  EXPECT_EQ(groups.cpu_quota(), 1.5);
  EXPECT_EQ(groups.memory_limit(), 1 << 29);
  ASSERT_TRUE(groups.throttling());
  EXPECT_EQ(groups.throttling()->throttled, Duration{2'500ns});
}

TEST_F(FakeHost, a_container_sees_its_own_part_of_the_groups) {
  write(proc_ / "self/cgroup", "0::/docker/abc\n");
  write(proc_ / "self/mountinfo", fmt::format("30 23 0:26 /docker/abc {} rw - cgroup2 cgroup2 rw\n", groups_.string()));
  write(groups_ / "cpu.max", "200000 100000\n");
  EXPECT_EQ(ControlGroups{proc_}.cpu_quota(), 2.0);
}

TEST(host_stats, reads_this_machine) {
  auto const facts = read_host_facts();
  ASSERT_TRUE(facts.kernel && facts.cpus && facts.usable_cpus && facts.memory_bytes);
  EXPECT_GE(*facts.cpus, 1);
  EXPECT_GT(*facts.usable_cpus, 0);
  EXPECT_LE(*facts.usable_cpus, *facts.cpus);
  auto const before = read_host_stats();
  ASSERT_TRUE(before.cpu && before.load && before.memory_available);
  EXPECT_GT(before.cpu->busy, Duration{0});
  EXPECT_LE(*before.memory_available, *facts.memory_bytes);
  auto after = read_host_stats();
  while (!steal_share(before, after)) after = read_host_stats();  // until the kernel's tick
  EXPECT_GE(*steal_share(before, after), 0.0);
  EXPECT_LE(*steal_share(before, after), 1.0);
}

}  // namespace
}  // namespace assay
