// What the stores cost: jobs a second on the disk of the benchmark's folder (TMPDIR, or where the
// program is started), and what counting usage adds to a request.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "serve/store/persistent_store.h"

namespace mao {
namespace {

template <typename T>
T ValueOf(Result<T> result) {
  if (!result.ok()) std::abort();
  return std::move(result).value();
}

void Check(const Status& status) {
  if (!status.ok()) std::abort();
}

class BenchStore {
 public:
  BenchStore() {
    const char* parent = std::getenv("TMPDIR");
    folder_ = std::string(parent == nullptr ? "." : parent) + "/maoocr_store_bench";
    std::filesystem::remove_all(folder_);
    PersistentStore::Options options;
    options.folder = folder_;
    store_ = ValueOf(PersistentStore::Open(options));
  }
  ~BenchStore() {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  PersistentStore* operator->() const { return store_.get(); }

 private:
  std::string folder_;
  std::unique_ptr<PersistentStore> store_;
};

NewJob SmallJob() {
  NewJob job;
  job.kind = "ocr";
  job.owner = "bench";
  job.request = R"({"task":"markdown","mode":"base"})";
  return job;
}

// Enqueue, claim, one step of progress, result: two syncs.
void BM_JobLife(benchmark::State& state) {
  BenchStore store;
  const std::string result = "\"" + std::string(4096, 'x') + "\"";
  for (auto _ : state) {
    ValueOf(store->jobs().Enqueue(SmallJob()));
    const auto claimed = ValueOf(store->jobs().ClaimNext(0));
    ValueOf(store->jobs().Progress(claimed->claim, {.pages_done = 1, .message = "page"}));
    Check(store->jobs().Succeed(claimed->claim, result));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_JobLife)->UseRealTime();

void BM_Enqueue(benchmark::State& state) {
  BenchStore store;
  for (auto _ : state) ValueOf(store->jobs().Enqueue(SmallJob()));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Enqueue)->UseRealTime()->Iterations(2000);

// Without a sync: what the database itself costs. A long queue is there.
void BM_ClaimAndProgress(benchmark::State& state) {
  BenchStore store;
  for (int i = 0; i < 2000; ++i) ValueOf(store->jobs().Enqueue(SmallJob()));
  for (auto _ : state) {
    const auto claimed = ValueOf(store->jobs().ClaimNext(0));
    ValueOf(store->jobs().Progress(claimed->claim, {.pages_done = 1, .message = "page"}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ClaimAndProgress)->UseRealTime()->Iterations(2000);

void BM_PutInput(benchmark::State& state) {
  BenchStore store;
  std::string contents(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    ++contents[0];  // another content each time
    benchmark::DoNotOptimize(ValueOf(store->blobs().Put("page", contents, 1 << 30)).sha256());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PutInput)->UseRealTime()->Arg(1 << 20)->Arg(50 << 20);

void BM_StartBatch(benchmark::State& state) {
  BenchStore store;
  const int64_t num_lines = state.range(0);
  FileUpload upload =
      ValueOf(store->files().Begin({.owner = "bench", .filename = "in.jsonl", .purpose = "batch"}));
  const std::string contents(static_cast<size_t>(num_lines), 'x');
  Check(upload.Append(std::as_bytes(std::span(contents))));
  const std::string file_id = ValueOf(upload.Finish()).id;
  std::vector<BatchLine> lines;
  for (int64_t i = 0; i < num_lines; ++i) {
    lines.push_back({.custom_id = "line-" + std::to_string(i), .offset = i, .size_bytes = 1});
  }
  for (auto _ : state) {
    const StoredBatch batch = ValueOf(store->batches().Create({.owner = "bench",
                                                               .input_file_id = file_id,
                                                               .endpoint = "/v1/chat/completions",
                                                               .completion_window = "24h",
                                                               .window_ms = 1000,
                                                               .metadata = ""}));
    ValueOf(store->batches().Start(batch.id, "chat", 0, lines));
  }
  state.SetItemsProcessed(state.iterations() * num_lines);
}
BENCHMARK(BM_StartBatch)->UseRealTime()->Arg(50'000)->Iterations(2)->Unit(benchmark::kMillisecond);

void BM_UsageAdd(benchmark::State& state) {
  BenchStore store;
  for (auto _ : state) {
    store->usage().Add({.key_id = "0123abcd", .model = "deepseek-ocr", .kind = "ocr"},
                       {.requests = 1, .pages = 1, .output_tokens = 600, .compute_ms = 900});
  }
  Check(store->usage().Flush());
}
BENCHMARK(BM_UsageAdd);

void BM_UsageFlush(benchmark::State& state) {
  BenchStore store;
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) {
      store->usage().Add({.key_id = std::to_string(i), .model = "deepseek-ocr", .kind = "ocr"},
                         {.requests = 1});
    }
    Check(store->usage().Flush());
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(BM_UsageFlush)->UseRealTime();

}  // namespace
}  // namespace mao
