#include "apps/tokenize_command.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include "apps/console.h"
#include "apps/exit_code.h"
#include "apps/inputs.h"
#include "apps/open_model.h"

namespace mao {
namespace {

std::string Table(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string table;
  for (const TokenId id : ids) {
    table += fmt::format("{:>7}  {}\n", id, tokenizer.TokenText(id).value_or(""));
  }
  return table;
}

Result<std::string> Encode(const TokenizeOptions& options, const Tokenizer& tokenizer) {
  std::string text = options.text;
  if (text == kStandardInput) {
    MAO_ASSIGN_OR_RETURN(text, ReadStandardInput(Tokenizer::kMaxTextBytes));
  }
  EncodeOptions encode;
  encode.parse_special_tokens = !options.no_special;
  MAO_ASSIGN_OR_RETURN(const std::vector<TokenId> ids, tokenizer.Encode(text, encode));
  return options.ids_only ? fmt::format("{}\n", fmt::join(ids, " ")) : Table(tokenizer, ids);
}

Result<std::unique_ptr<Tokenizer>> OpenTokenizerOf(const std::string& model) {
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(model));
  return OpenTokenizer(checkpoint);
}

}  // namespace

int RunTokenize(const TokenizeOptions& options) {
  Console console(false);
  const Result<std::unique_ptr<Tokenizer>> tokenizer = OpenTokenizerOf(options.model);
  if (!tokenizer.ok()) {
    console.Error("", tokenizer.status().message());
    return kExitModel;
  }
  const Result<std::string> output =
      options.decode.empty() ? Encode(options, **tokenizer)
                             : (*tokenizer)->Decode(options.decode, options.no_special) + "\n";
  const Status status = output.ok() ? console.Print(*output) : output.status();
  if (!status.ok()) console.Error("", status.message());
  return status.ok() ? kExitOk : kExitFailed;
}

}  // namespace mao
