// The schema that clients see. Names are those of the REST interface (docs/rest_api.md) in camel case,
// enum values in capitals; a test holds inputs and enums against the service's own tables.
#ifndef MAOOCR_SERVE_GRAPHQL_API_SCHEMA_SDL_H_
#define MAOOCR_SERVE_GRAPHQL_API_SCHEMA_SDL_H_

#include <string_view>

namespace mao {

inline constexpr std::string_view kGraphQlSchema = R"graphql(
"""
MaoOCR reads documents. A page or a PDF is read by the mutation `ocr`, or by the subscription of that name, which
also sends the text as it is written.
"""
schema {
  query: Query
  mutation: Mutation
  subscription: Subscription
}

"Any JSON value."
scalar JSON

"A whole number of 64 bits."
scalar Long

type Query {
  "Whether the server can answer. Asks no model."
  health: Health!
  "Of the program."
  version: String!
  "What there is to compute with; the first is the default."
  models: [Model!]!
  "Null: there is none of that name."
  model(name: String!): Model
  "What can be made of a page, and how it can be shown to the model."
  modes: Modes!
  "A job of your own. An error: there is none with this id."
  job(id: ID!): Job
  "Your own jobs, the newest first."
  jobs(
    status: JobStatus
    "How many at most, 1 to 100."
    first: Int! = 20
    "The last job of the page before."
    after: ID
  ): JobPage
  "What you have used; without API keys, what everybody has."
  stats(
    group: UsageGroup! = DAY
    "How far to look back, 1 to 400."
    days: Int! = 30
  ): UsageReport
}

"Run one after the other; each may fail without the others."
type Mutation {
  "Reads a page, or the pages of a PDF. Ends when the client goes away."
  ocr(input: OcrInput!): OcrResult
  "Asks a model anything, with an image or without."
  generate(input: GenerateInput!): GenerateResult
  "Has a page or a PDF read later; the job survives the server."
  submitJob(
    ocr: OcrInput!
    "Told the end of the job by POST, if the server allows that."
    callbackUrl: String
    "A second job with the same key is the first one."
    idempotencyKey: String
  ): Job
  "Ends a job that is queued or running; one that has ended stays as it is."
  cancelJob(id: ID!): Job
  "Forgets a job that has ended, and its result; gives its id."
  deleteJob(id: ID!): ID
}

type Subscription {
  "Reads a page, or the pages of a PDF: the text as it is written, then the answer."
  ocr(input: OcrInput!): OcrEvent!
  "Asks a model anything: the text as it is written, then the answer."
  generate(input: GenerateInput!): GenerateEvent!
  "A job as it is now and after each change, until it has ended."
  job(id: ID!): Job!
}

"What is to be made of a page."
enum OcrMode {
  "The page as Markdown, tables as HTML."
  MARKDOWN
  "The text without layout."
  PLAIN_OCR
  "The text of any picture, with boxes."
  OCR
  "As PLAIN_OCR."
  MULTILINGUAL
  "The tables as CSV."
  TABLES_CSV
  "The tables as Markdown."
  TABLES_MD
  "Pairs of key and value; `schema` says which."
  KV_JSON
  "What the model makes of a figure."
  FIGURE_CHART
  "Where `findTerm` stands."
  FIND_REF
  "The blocks and their boxes."
  LAYOUT_MAP
  "The page as Markdown without personal data."
  PII_REDACT
  "What is to be seen."
  DESCRIBE
  "The answer to `prompt`."
  FREEFORM
}

"How a page is shown to the model."
enum SizeMode {
  "The server's choice."
  AUTO
  "512 pixels."
  TINY
  "640 pixels."
  SMALL
  "1024 pixels."
  BASE
  "1280 pixels."
  LARGE
  "1024 pixels for the whole and tiles of 640 pixels."
  GUNDAM
}

"A page or a PDF, one of `image` and `imageUrl`, and what is wanted of it."
input OcrInput {
  "The file as base64 or as a data URI, or its address (http, https), if the server fetches addresses."
  image: String
  "A data URI or an address."
  imageUrl: String
  "Default: FREEFORM with a prompt, else MARKDOWN."
  mode: OcrMode
  "For FREEFORM."
  prompt: String
  "For FIND_REF."
  findTerm: String
  "For KV_JSON: an example object, a JSON schema, or a list of keys."
  schema: JSON
  "Default: AUTO."
  size: SizeMode
  "With `imageSize` and `cropMode` the size as DeepSeek-OCR's scripts spell it."
  baseSize: Int
  imageSize: Int
  cropMode: Boolean
  "Of GUNDAM, 2 to 9."
  maxTiles: Int
  "Of a PDF, from 1: 1-3,7,12-. Default: all."
  pages: String
  "Of a PDF: in which resolution its pages are rendered. Default: 144, less for large pages."
  dpi: Int
  "Of a PDF: each page of the answer has `pagePicture`."
  pagePictures: Boolean
  "Ask for boxes, or not. Default: as the mode does."
  grounding: Boolean
  "Describe the page too, in a second generation."
  includeCaption: Boolean
  maxTokens: Int
  "Default: 0, always the likeliest token."
  temperature: Float
  topP: Float
  seed: Long
  "No n-gram twice within `windowSize` tokens."
  ngramSize: Int
  windowSize: Int
  "From the request to the end, for each page of a PDF. Default: the server's limit."
  timeoutMs: Int
  "Smaller is served first."
  priority: Int
  "Default: the first model."
  model: String
  "vllm_direct or vllm_openai. Default: the model's."
  inferenceEngine: String
  "Read again what is known."
  bypassCache: Boolean
}

"Of a page; of a PDF what its pages have in common, and `pages`."
type OcrResult {
  "What the mode makes of the page; of a PDF of all pages, each followed by a page separator."
  text: String!
  "What the model wrote; of a PDF as `text`."
  rawText: String!
  "Of modes that give more than a text: rows of tables, keys and values, places, blocks."
  data: JSON
  "With `includeCaption`."
  caption: String
  "Of a PDF: none, its pages have them."
  boxes: [Box!]!
  "Pictures as the Markdown links them. Of a PDF: none, its pages have them."
  figures: [Figure!]!
  "Null of a PDF."
  imageDims: ImageDims
  "With `pagePictures`: what was read of a page of a PDF, a JPEG as a data URI."
  pagePicture: String
  "Of a PDF, in their order; else null."
  pages: [OcrPage!]
  metadata: OcrMetadata!
}

"A page of a PDF: one of `result` and `error`."
type OcrPage {
  "Its number in the file, from 1."
  page: Int!
  result: OcrResult
  error: OcrPageError
}

type OcrPageError {
  code: String!
  message: String!
}

"A place on the page and what stands there."
type Box {
  "title, text, table, image, …"
  label: String!
  text: String!
  "x1, y1, x2, y2 in pixels of the upright page; the last two exclusive."
  box: [Int!]!
  "The same in 0 to 999, as the model means it."
  boxNorm: [Int!]!
}

type Figure {
  path: String!
  "As in Box."
  box: [Int!]!
}

"Of the upright page, in pixels."
type ImageDims {
  w: Int!
  h: Int!
}

type OcrMetadata {
  mode: OcrMode!
  grounding: Boolean!
  "What AUTO became; null if the model is elsewhere and does not tell."
  size: SizeMode
  baseSize: Int
  imageSize: Int
  cropMode: Boolean
  "Null if the model is elsewhere and does not tell."
  finishReason: FinishReason
  "Of all generations."
  tokens: OcrTokens!
  "How often the model was asked."
  generations: Int!
  timingsMs: Timings!
  model: String!
  inferenceEngine: String!
  requestId: String!
  fromCache: Boolean!
  "How text or data came about, where there are several ways."
  method: String
  "KV_JSON: keys of the schema that the page does not have."
  missing: [String!]!
  "Fields that mean nothing in this mode."
  ignored: [String!]!
  "Of the PDF, and how many of those that were asked for could be read, and could not. Else null."
  pagesTotal: Int
  pagesRead: Int
  pagesFailed: Int
  "Of a PDF, if the request had it."
  dpi: Int
}

"Why a text ended."
enum FinishReason {
  "By itself."
  STOP
  "At the limit of tokens."
  LENGTH
  "It went round in circles."
  REPETITION
}

type OcrTokens {
  "With those of the image."
  prompt: Int!
  image: Int!
  output: Int!
}

"Wall time in milliseconds."
type Timings {
  "In the service's queue."
  wait: Float
  "Getting the image from its address."
  fetch: Float
  "Image file to pixels."
  decode: Float
  "Pixels to views, text to tokens."
  preprocess: Float
  "Waiting for the engine."
  queue: Float
  "Views to features."
  encode: Float
  "Prompt to first token."
  prefill: Float
  "First token to last."
  generate: Float
  postprocess: Float
  "From the request to the first text."
  firstOutput: Float
  total: Float
}

"One of `text`, `progress`, `pageResult` and `result`; the second and the third of a PDF only."
type OcrEvent {
  "What the model wrote since the last event."
  text: String
  "Of a PDF: the page, from 1, that `text` belongs to. Pages come one after the other."
  page: Int
  progress: OcrProgress
  "After the text of the page."
  pageResult: OcrPage
  "Last."
  result: OcrResult
}

"Pages are not done in their order."
type OcrProgress {
  pagesDone: Int!
  pagesTotal: Int!
}

"A prompt, and the parameters of OpenAI's chat completions under their names in camel case."
input GenerateInput {
  prompt: String!
  "Each as base64, as a data URI or as an address. Models read one."
  images: [String!]
  "Default: AUTO."
  size: SizeMode
  maxTokens: Int
  "Default: 0, always the likeliest token."
  temperature: Float
  topP: Float
  topK: Int
  minP: Float
  seed: Long
  stop: [String!]
  stopTokenIds: [Int!]
  ignoreEos: Boolean
  minTokens: Int
  repetitionPenalty: Float
  presencePenalty: Float
  frequencyPenalty: Float
  "No n-gram twice within `windowSize` tokens; 0: off. Default with an image: 30 and 90."
  ngramSize: Int
  windowSize: Int
  skipSpecialTokens: Boolean
  "Holds the answer to JSON or to a JSON schema, as OpenAI's response_format."
  responseFormat: JSON
  "Holds it to a regex or to choices, as vLLM's structured_outputs."
  structuredOutputs: JSON
  "From the request to the end. Default: the server's limit."
  timeoutMs: Int
  "Smaller is served first."
  priority: Int
  "Default: the first model."
  model: String
  "vllm_direct or vllm_openai. Default: the model's."
  inferenceEngine: String
  "Answer again what is known."
  bypassCache: Boolean
}

type GenerateResult {
  text: String!
  "Null if the model is elsewhere and does not tell."
  finishReason: FinishReason
  usage: Usage!
  timingsMs: Timings!
  model: String!
  inferenceEngine: String!
  requestId: String!
  fromCache: Boolean!
}

type Usage {
  "With those of the image."
  promptTokens: Int!
  imageTokens: Int!
  "Of the prompt, found in the prefix cache."
  cachedTokens: Int!
  completionTokens: Int!
  totalTokens: Int!
}

"One of both."
type GenerateEvent {
  "What the model wrote since the last event."
  text: String
  "Last."
  result: GenerateResult
}

type Health {
  status: HealthStatus!
  modelLoaded: Boolean!
  "Of the default model, once it is loaded."
  inferenceEngine: String
  "When not healthy."
  reason: String
  "Whether the server should get new requests."
  ready: Boolean!
  "When not ready."
  notReadyReason: String
}

enum HealthStatus {
  HEALTHY
  STARTING
  UNHEALTHY
}

type Model {
  name: String!
  state: ModelState!
  "vllm_direct or vllm_openai, when loaded."
  inferenceEngine: String
  "In tokens, if the model is in this process."
  maxModelLen: Int
  "When it was loaded."
  created: String
  "Why it failed."
  failure: String
}

enum ModelState {
  LOADING
  LOADED
  FAILED
}

type Modes {
  tasks: [TaskInfo!]!
  sizes: [SizeInfo!]!
}

type TaskInfo {
  mode: OcrMode!
  "As REST calls it."
  name: String!
  "Another name that REST takes."
  otherName: String
  "Whether boxes are asked for unless the request says otherwise."
  grounding: Boolean!
  "Whether the request may say otherwise."
  groundingIsOptional: Boolean!
  "Fields that the request must have besides the image."
  needs: [String!]!
}

type SizeInfo {
  size: SizeMode!
  "The same as DeepSeek-OCR's scripts spell it."
  baseSize: Int
  imageSize: Int
  cropMode: Boolean
}

"Work in the background. Times are of ISO 8601, in UTC."
type Job {
  id: ID!
  status: JobStatus!
  "Grows with every change."
  version: Long!
  progress: JobProgress!
  "How often it was started."
  attempts: Int!
  createdAt: String!
  startedAt: String
  finishedAt: String
  "When the result will be forgotten."
  expiresAt: String
  "Why it failed."
  error: JobError
  cancelRequested: Boolean!
  callback: JobCallback
  "When it has succeeded: the answer of the path that it was sent to, as REST gives it."
  result: JSON
  "The same of a page or a PDF that was read."
  ocrResult: OcrResult
}

enum JobStatus {
  QUEUED
  RUNNING
  SUCCEEDED
  FAILED
  CANCELLED
  "It had ended, and its result is forgotten."
  EXPIRED
}

type JobProgress {
  pagesDone: Int!
  "0: not known yet."
  pagesTotal: Int!
  message: String!
}

type JobError {
  code: String!
  message: String!
}

type JobCallback {
  url: String!
  "pending, delivered, failed"
  status: String!
}

type JobPage {
  jobs: [Job!]!
  hasMore: Boolean!
}

enum UsageGroup {
  KEY
  MODEL
  "Of request: ocr, generate, chat, …"
  KIND
  DAY
  HOUR
}

type UsageReport {
  group: UsageGroup!
  from: String!
  to: String!
  rows: [UsageRow!]!
}

type UsageRow {
  "Of the key, the model or the kind."
  name: String
  "Of the day or hour."
  begin: String
  requests: Long!
  errors: Long!
  pages: Long!
  promptTokens: Long!
  imageTokens: Long!
  cachedTokens: Long!
  outputTokens: Long!
  computeMs: Long!
}
)graphql";

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_SCHEMA_SDL_H_
