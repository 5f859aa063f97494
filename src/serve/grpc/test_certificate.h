// For tests: a certificate for 127.0.0.1 that signs itself.
#ifndef MAOOCR_SERVE_GRPC_TEST_CERTIFICATE_H_
#define MAOOCR_SERVE_GRPC_TEST_CERTIFICATE_H_

#include <cstdlib>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace mao {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

inline TestCertificate MakeTestCertificate() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
  constexpr int64_t kHour = 3600;
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), kHour);
  X509_set_pubkey(x509.get(), key.get());
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_EXTENSION* address =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(x509.get(), address, -1);
  X509_EXTENSION_free(address);
  if (X509_sign(x509.get(), key.get(), EVP_sha256()) == 0) std::abort();
  const auto to_pem = [](auto write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    if (write(bio.get()) != 1) std::abort();
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(bio.get(), &data));
    return std::string(data, size);
  };
  return {to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509.get()); }),
          to_pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_TEST_CERTIFICATE_H_
