#include "serve/fetch/curl_transfer.h"

#include <dlfcn.h>

#include <atomic>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::atomic<bool> is_initialized = false;
std::atomic<int> num_early_calls = 0;

template <typename Function>
Function* LibrarysOwn(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace
}  // namespace mao

// In place of the library's, which they call: what is called when.
extern "C" CURLcode curl_global_init(long flags) {
  mao::is_initialized = true;
  return mao::LibrarysOwn<CURLcode(long)>("curl_global_init")(flags);
}
extern "C" CURLM* curl_multi_init() {
  if (!mao::is_initialized) ++mao::num_early_calls;
  return mao::LibrarysOwn<CURLM*()>("curl_multi_init")();
}
extern "C" CURL* curl_easy_init() {
  if (!mao::is_initialized) ++mao::num_early_calls;
  return mao::LibrarysOwn<CURL*()>("curl_easy_init")();
}

namespace mao {
namespace {

// curl_global_init(3): "must be called [...] before a program calls any other function in libcurl".
TEST(CurlTransferTest, TheLibraryIsInitializedFirst) {
  const CurlTransfer transfer;
  EXPECT_TRUE(is_initialized);
  EXPECT_EQ(num_early_calls, 0);
}

}  // namespace
}  // namespace mao
