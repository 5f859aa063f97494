#include "ocr/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

#include <fmt/core.h>
#include <pango/pangocairo.h>

namespace mao {
namespace {

constexpr int kMaxSide = 32767;  // cairo's limit
constexpr double kReferenceSide = 1024;
constexpr double kOutline = 2;
constexpr double kTitleOutline = 4;
constexpr double kLabelPixels = 12;
constexpr double kLabelMargin = 2;
constexpr double kFillAlpha = 20.0 / 255.0;
constexpr size_t kMaxLabelBytes = 160;  // of which the layout shows what fits
constexpr double kMaxLabelWidth = 320;
constexpr double kMaxLabelHeight = 48;
// So many times the page may be covered with fill; beyond, outlines have to do.
constexpr double kMaxFilledPages = 64;

template <typename T, void (*release)(T*)>
struct Release {
  void operator()(T* object) const { release(object); }
};
using Surface = std::unique_ptr<cairo_surface_t, Release<cairo_surface_t, cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Release<cairo_t, cairo_destroy>>;
using Font = std::unique_ptr<PangoFontDescription,
                             Release<PangoFontDescription, pango_font_description_free>>;
struct ReleaseObject {
  void operator()(void* object) const { g_object_unref(object); }
};
using FontMap = std::unique_ptr<PangoFontMap, ReleaseObject>;
using TextContext = std::unique_ptr<PangoContext, ReleaseObject>;
using Layout = std::unique_ptr<PangoLayout, ReleaseObject>;

// cairo's RGB24: a native 32-bit word 0xXXRRGGBB per pixel.
void CopyIn(const Image& page, cairo_surface_t* surface) {
  const int stride = cairo_image_surface_get_stride(surface);
  unsigned char* data = cairo_image_surface_get_data(surface);
  for (int y = 0; y < page.height; ++y) {
    const uint8_t* from = page.row(y);
    auto* to = reinterpret_cast<uint32_t*>(data + static_cast<ptrdiff_t>(y) * stride);
    for (int x = 0; x < page.width; ++x, from += 3) {
      to[x] = static_cast<uint32_t>(from[0]) << 16 | static_cast<uint32_t>(from[1]) << 8 | from[2];
    }
  }
  cairo_surface_mark_dirty(surface);
}

Image CopyOut(cairo_surface_t* surface, int width, int height) {
  cairo_surface_flush(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  const unsigned char* data = cairo_image_surface_get_data(surface);
  Image image = MakeImage(width, height);
  for (int y = 0; y < height; ++y) {
    const auto* from = reinterpret_cast<const uint32_t*>(data + static_cast<ptrdiff_t>(y) * stride);
    uint8_t* to = image.row(y);
    for (int x = 0; x < width; ++x, to += 3) {
      to[0] = static_cast<uint8_t>(from[x] >> 16);
      to[1] = static_cast<uint8_t>(from[x] >> 8);
      to[2] = static_cast<uint8_t>(from[x]);
    }
  }
  return image;
}

class OverlayPainter {
 public:
  OverlayPainter(cairo_t* cairo, int width, int height)
      : cairo_(cairo),
        width_(width),
        height_(height),
        scale_(std::max(1.0, std::max(width, height) / kReferenceSide)),
        fill_left_(kMaxFilledPages * width * height),
        font_map_(pango_cairo_font_map_new()),
        text_context_(pango_font_map_create_context(font_map_.get())),
        layout_(pango_layout_new(text_context_.get())),
        font_(pango_font_description_from_string("Sans Bold")) {
    pango_font_description_set_absolute_size(font_.get(), kLabelPixels * scale_ * PANGO_SCALE);
    pango_layout_set_font_description(layout_.get(), font_.get());
    pango_layout_set_single_paragraph_mode(layout_.get(), TRUE);
    pango_layout_set_ellipsize(layout_.get(), PANGO_ELLIPSIZE_END);
    const double label_width = std::min<double>(kMaxLabelWidth * scale_, width);
    pango_layout_set_width(layout_.get(), static_cast<int>(label_width * PANGO_SCALE));
  }

  void Fill(const PixelBox& box, const OverlayColor& color) {
    const double area = static_cast<double>(box.x2 - box.x1) * (box.y2 - box.y1);
    if (area > fill_left_) return;
    fill_left_ -= area;
    SetColor(color, kFillAlpha);
    cairo_rectangle(cairo_, box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1);
    cairo_fill(cairo_);
  }

  // The line lies inside the box, as Pillow draws it.
  void Outline(const PixelBox& box, const OverlayColor& color, bool is_title) {
    const double line = std::round((is_title ? kTitleOutline : kOutline) * scale_);
    SetColor(color, 1);
    cairo_set_line_width(cairo_, line);
    cairo_rectangle(cairo_, box.x1 + line / 2, box.y1 + line / 2,
                    std::max(0.0, box.x2 - box.x1 - line), std::max(0.0, box.y2 - box.y1 - line));
    cairo_stroke(cairo_);
  }

  void Label(const PixelBox& box, const OverlayColor& color, const std::string& label) {
    gchar* valid = g_utf8_make_valid(label.data(),
                                     static_cast<gssize>(std::min(label.size(), kMaxLabelBytes)));
    pango_layout_set_text(layout_.get(), valid, -1);
    g_free(valid);
    PangoRectangle text;
    pango_layout_get_pixel_extents(layout_.get(), nullptr, &text);
    // Nothing to show; or no font is installed, and the metrics of pango's stand-in are huge.
    if (text.width <= 0 || text.height > kMaxLabelHeight * scale_) return;
    const double margin = std::round(kLabelMargin * scale_);
    const double patch_width = text.width + 2 * margin;
    const double x = std::clamp<double>(box.x1, 0, std::max(0.0, width_ - patch_width));
    const double y =
        std::clamp<double>(box.y1 - text.height, 0, std::max(0, height_ - text.height));
    cairo_set_source_rgb(cairo_, 1, 1, 1);
    cairo_rectangle(cairo_, x, y, patch_width, text.height);
    cairo_fill(cairo_);
    SetColor(color, 1);
    cairo_move_to(cairo_, x + margin - text.x, y - text.y);
    pango_cairo_show_layout(cairo_, layout_.get());
  }

 private:
  void SetColor(const OverlayColor& c, double alpha) {
    cairo_set_source_rgba(cairo_, c.red / 255.0, c.green / 255.0, c.blue / 255.0, alpha);
  }

  cairo_t* cairo_;
  int width_;
  int height_;
  double scale_;
  double fill_left_;
  FontMap font_map_;  // its own: the default one belongs to the thread
  TextContext text_context_;
  Layout layout_;
  Font font_;
};

// Calls draw(box, colour, block) for every box to be drawn.
template <typename Draw>
void ForEachBox(std::span<const PageBlock> blocks, const Draw& draw) {
  size_t num_boxes = 0;
  for (size_t k = 0; k < blocks.size(); ++k) {
    if (!blocks[k].label) continue;
    for (const PixelBox& box : blocks[k].pixel_boxes) {
      if (num_boxes++ == kMaxOverlayBoxes) return;
      draw(box, BlockColor(k), blocks[k]);
    }
  }
}

}  // namespace

OverlayColor BlockColor(size_t block) {
  constexpr std::array<OverlayColor, 12> kPalette = {{{199, 30, 30},
                                                      {20, 90, 200},
                                                      {0, 130, 60},
                                                      {150, 40, 190},
                                                      {190, 95, 0},
                                                      {0, 125, 135},
                                                      {190, 20, 120},
                                                      {90, 110, 0},
                                                      {70, 60, 220},
                                                      {130, 70, 40},
                                                      {0, 100, 170},
                                                      {110, 0, 80}}};
  return kPalette[block % kPalette.size()];
}

Result<Image> DrawOverlay(const Image& page, std::span<const PageBlock> blocks) {
  if (!IsWellFormed(page)) return InvalidArgumentError("page to draw boxes on: has no pixels");
  if (page.width > kMaxSide || page.height > kMaxSide) {
    return OutOfRangeError(
        fmt::format("page to draw boxes on: {}x{} pixels, the limit is {} a side", page.width,
                    page.height, kMaxSide));
  }
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, page.width, page.height));
  const Context cairo(cairo_create(surface.get()));
  if (cairo_status(cairo.get()) != CAIRO_STATUS_SUCCESS) {
    return ResourceExhaustedError(fmt::format("no canvas of {}x{} pixels: {}", page.width,
                                              page.height,
                                              cairo_status_to_string(cairo_status(cairo.get()))));
  }
  CopyIn(page, surface.get());
  OverlayPainter painter(cairo.get(), page.width, page.height);
  // Labels last: a label that a neighbour's fill or outline runs through is hard to read.
  ForEachBox(blocks, [&](auto& box, auto color, auto&) { painter.Fill(box, color); });
  ForEachBox(blocks, [&](auto& box, auto color, auto& block) {
    painter.Outline(box, color, block.label == "title");
  });
  ForEachBox(blocks,
             [&](auto& box, auto color, auto& block) { painter.Label(box, color, *block.label); });
  if (cairo_status(cairo.get()) != CAIRO_STATUS_SUCCESS) {
    return InternalError(fmt::format("drawing boxes on a page of {}x{} pixels: {}", page.width,
                                     page.height,
                                     cairo_status_to_string(cairo_status(cairo.get()))));
  }
  return CopyOut(surface.get(), page.width, page.height);
}

}  // namespace mao
