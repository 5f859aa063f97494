// Small PDF files for tests.
#ifndef MAOOCR_VISION_PDF_PDF_WRITER_FOR_TEST_H_
#define MAOOCR_VISION_PDF_PDF_WRITER_FOR_TEST_H_

#include <span>
#include <string>
#include <vector>

#include "vision/image.h"

namespace mao {

// Objects and streams of a file, numbered from 1 in the order in which they are added.
class PdfWriter {
 public:
  void AddObject(const std::string& body) {
    offsets_.push_back(file_.size());
    file_ += std::to_string(offsets_.size()) + " 0 obj\n" + body + "\nendobj\n";
  }
  // `entries` of its dictionary but for the length.
  void AddStream(const std::string& entries, const std::string& bytes) {
    AddObject("<<" + entries + "/Length " + std::to_string(bytes.size()) + ">>\nstream\n" + bytes +
              "\nendstream");
  }
  // The object numbered 1 is the catalog. `trailer` is added to the trailer's dictionary.
  std::string Finish(const std::string& trailer = "") const {
    const size_t size = offsets_.size() + 1;
    std::string end = "xref\n0 " + std::to_string(size) + "\n0000000000 65535 f \n";
    for (const size_t offset : offsets_) {
      const std::string digits = std::to_string(offset);
      end += std::string(10 - digits.size(), '0') + digits + " 00000 n \n";
    }
    return file_ + end + "trailer\n<</Size " + std::to_string(size) + "/Root 1 0 R" + trailer +
           ">>\nstartxref\n" + std::to_string(file_.size()) + "\n%%EOF\n";
  }

 private:
  std::string file_ = "%PDF-1.4\n";
  std::vector<size_t> offsets_;
};

// A file of empty pages with these lines in their dictionaries ("/MediaBox [0 0 595 842]").
inline std::string PdfOfPages(std::span<const std::string> pages) {
  PdfWriter writer;
  writer.AddObject("<</Type/Catalog/Pages 2 0 R>>");
  std::string kids;
  for (size_t i = 0; i < pages.size(); ++i) kids += std::to_string(3 + i) + " 0 R ";
  writer.AddObject("<</Type/Pages/Count " + std::to_string(pages.size()) + "/Kids[" + kids + "]>>");
  for (const std::string& page : pages) {
    writer.AddObject("<</Type/Page/Parent 2 0 R" + page + ">>");
  }
  return writer.Finish();
}

// One page for each picture, with as many pixels when it is rendered at `dpi`.
inline std::string PdfOfImages(std::span<const Image> images, double dpi = 144) {
  constexpr double kPointsPerInch = 72;
  PdfWriter writer;
  writer.AddObject("<</Type/Catalog/Pages 2 0 R>>");
  std::string kids;
  for (size_t i = 0; i < images.size(); ++i) kids += std::to_string(3 + 3 * i) + " 0 R ";
  writer.AddObject("<</Type/Pages/Count " + std::to_string(images.size()) + "/Kids[" + kids +
                   "]>>");
  for (size_t i = 0; i < images.size(); ++i) {
    const Image& image = images[i];
    const std::string width = std::to_string(image.width * kPointsPerInch / dpi);
    const std::string height = std::to_string(image.height * kPointsPerInch / dpi);
    const std::string contents = std::to_string(4 + 3 * i) + " 0 R";
    const std::string picture = std::to_string(5 + 3 * i) + " 0 R";
    writer.AddObject("<</Type/Page/Parent 2 0 R/MediaBox[0 0 " + width + " " + height +
                     "]/Contents " + contents + "/Resources<</XObject<</I " + picture + ">>>>>>");
    writer.AddStream("", width + " 0 0 " + height + " 0 0 cm /I Do");
    writer.AddStream("/Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width " +
                         std::to_string(image.width) + "/Height " + std::to_string(image.height),
                     std::string(image.rgb.begin(), image.rgb.end()));
  }
  return writer.Finish();
}

}  // namespace mao

#endif  // MAOOCR_VISION_PDF_PDF_WRITER_FOR_TEST_H_
