#include "serve/graphql/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/graphql/parser.h"

namespace mao::graphql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// The schema of the specification's section 5, its interfaces written as unions.
constexpr std::string_view kPets = R"(
  enum DogCommand { SIT DOWN HEEL }
  type Dog {
    name: String! nickname: String barkVolume: Int
    doesKnowCommand(dogCommand: DogCommand!): Boolean!
    isHouseTrained(atOtherHomes: Boolean): Boolean!
    owner: Human
  }
  enum CatCommand { JUMP }
  type Cat {
    name: String! nickname: String meowVolume: Int
    doesKnowCommand(catCommand: CatCommand!): Boolean!
  }
  type Human { name: String! pets: [CatOrDog!] }
  type Alien { name: String! homePlanet: String }
  union CatOrDog = Cat | Dog
  union DogOrHuman = Dog | Human
  union HumanOrAlien = Human | Alien
  input FindDogInput { name: String owner: String }
  type Query {
    dog: Dog human: Human catOrDog: CatOrDog arguments: Arguments
    findDog(searchBy: FindDogInput): Dog
    booleanList(booleanListArg: [Boolean!]): Boolean
  }
  type Arguments {
    multipleRequirements(x: Int!, y: Int!): Int!
    booleanArgField(booleanArg: Boolean): Boolean
    intArgField(intArg: Int): Int
    nonNullBooleanArgField(nonNullBooleanArg: Boolean!): Boolean!
    optionalNonNullBooleanArgField(optionalBooleanArg: Boolean! = false): Boolean!
    nonNullBooleanListField(nonNullBooleanListArg: [Boolean]!): [Boolean]
  }
  type Mutation { mutateDog: ID }
  type Subscription { newMessage: Message disallowed: Int }
  type Message { body: String sender: String })";

std::vector<Error> Check(std::string document, const Limits& limits = {}) {
  static const auto schema = Schema::FromSdl(kPets);
  Error error;
  const auto parsed = ParseDocument(std::move(document), limits, error);
  if (parsed == nullptr) return {error};
  return Validate(**schema, *parsed, limits);
}

std::vector<std::string> Errors(std::string document, const Limits& limits = {}) {
  std::vector<std::string> messages;
  for (Error& error : Check(std::move(document), limits)) {
    EXPECT_EQ(error.code, kValidationFailed) << error.message;
    messages.push_back(std::move(error.message));
  }
  return messages;
}

// 5.1
TEST(ValidateTest, DefinitionsAreExecutable) {
  EXPECT_THAT(Errors("query getDogName { dog { name color } } extend type Dog { color: String }"),
              UnorderedElementsAre("The \"Dog\" definition is not executable.",
                                   "Cannot query field \"color\" on type \"Dog\"."));
}

// 5.2.1, 5.2.2
TEST(ValidateTest, OperationNames) {
  EXPECT_THAT(Errors("query a { dog { name } } query b { dog { name } }"), IsEmpty());
  EXPECT_THAT(Errors("query a { dog { name } } mutation a { mutateDog }"),
              ElementsAre("There can be only one operation named \"a\"."));
  EXPECT_THAT(Errors("{ dog { name } } query b { dog { name } }"),
              ElementsAre("This anonymous operation must be the only defined operation."));
}

// 5.2.3
TEST(ValidateTest, SubscriptionsHaveOneRootField) {
  EXPECT_THAT(Errors("subscription sub { newMessage { body sender } }"), IsEmpty());
  EXPECT_THAT(
      Errors("subscription sub { ...new } fragment new on Subscription { newMessage { body } }"),
      IsEmpty());
  EXPECT_THAT(Errors("subscription sub { newMessage { body } disallowed }"),
              ElementsAre("Subscription \"sub\" must select only one top level field."));
  EXPECT_THAT(Errors("subscription { ...two } fragment two on Subscription { newMessage { body } "
                     "disallowed }"),
              ElementsAre("Anonymous Subscription must select only one top level field."));
  EXPECT_THAT(
      Errors("subscription sub { __typename }"),
      ElementsAre("Subscription \"sub\" must not select an introspection top level field."));
  EXPECT_THAT(Errors("subscription { newMessage { body } disallowed @skip(if: true) }"), IsEmpty());
}

// 5.3.1
TEST(ValidateTest, FieldsExist) {
  EXPECT_THAT(
      Errors("{ dog { meowVolume } }"),
      ElementsAre(
          "Cannot query field \"meowVolume\" on type \"Dog\". Did you mean \"barkVolume\"?"));
  EXPECT_THAT(Errors("{ catOrDog { __typename ... on Dog { barkVolume } } }"), IsEmpty());
  EXPECT_THAT(
      Errors("{ catOrDog { name } }"),
      ElementsAre("Cannot query field \"name\" on type \"CatOrDog\". Did you mean to use an inline "
                  "fragment on \"Cat\" or \"Dog\"?"));
}

// 5.3.2
TEST(ValidateTest, OverlappingFieldsCanBeMerged) {
  EXPECT_THAT(Errors("{ dog { name name otherName: name otherName: name } }"), IsEmpty());
  EXPECT_THAT(
      Errors("{ dog { name: nickname name } }"),
      ElementsAre(
          "Fields \"name\" conflict because \"nickname\" and \"name\" are different fields. "
          "Use different aliases on the fields to fetch both if this was intentional."));
  EXPECT_THAT(Errors("query ($c: DogCommand!) { dog { doesKnowCommand(dogCommand: $c) "
                     "doesKnowCommand(dogCommand: $c) } }"),
              IsEmpty());
  for (const char* pair : {"doesKnowCommand(dogCommand: SIT) doesKnowCommand(dogCommand: HEEL)",
                           "doesKnowCommand(dogCommand: SIT) doesKnowCommand(dogCommand: $c)",
                           "isHouseTrained isHouseTrained(atOtherHomes: true)"}) {
    const auto errors =
        Errors("query ($c: DogCommand!) { dog { a: doesKnowCommand(dogCommand: $c) " +
               std::string(pair) + " } }");
    ASSERT_EQ(errors.size(), 1u) << pair;
    EXPECT_THAT(errors[0], HasSubstr("they have differing arguments"));
  }
  // Different objects never meet, but their shapes must fit.
  EXPECT_THAT(
      Errors(
          "{ catOrDog { ... on Dog { volume: barkVolume } ... on Cat { volume: meowVolume } } }"),
      IsEmpty());
  EXPECT_THAT(
      Errors("{ catOrDog { ... on Dog { some: nickname } ... on Cat { some: meowVolume } } }"),
      ElementsAre(HasSubstr("conflicting types \"String\" and \"Int\"")));
  EXPECT_THAT(
      Errors("{ dog { ...A ...B } } fragment A on Dog { x: name } fragment B on Dog { ...C } "
             "fragment C on Dog { x: nickname }"),
      ElementsAre(HasSubstr("\"name\" and \"nickname\" are different fields")));
  EXPECT_THAT(Errors("{ a: dog { x: name } a: dog { x: nickname } }"),
              ElementsAre(HasSubstr("subfields \"x\" conflict because \"name\" and \"nickname\"")));
}

// 5.3.3
TEST(ValidateTest, LeavesAndTheirSelections) {
  EXPECT_THAT(
      Errors("{ dog { barkVolume { sinceWhen } } }"),
      ElementsAre(
          "Field \"barkVolume\" must not have a selection since type \"Int\" has no subfields."));
  EXPECT_THAT(Errors("{ human }"),
              ElementsAre("Field \"human\" of type \"Human\" must have a selection of "
                          "subfields. Did you mean \"human { ... }\"?"));
}

// 5.4
TEST(ValidateTest, Arguments) {
  EXPECT_THAT(Errors("{ dog { doesKnowCommand(command: CLEAN_UP_HOUSE) } }"),
              UnorderedElementsAre("Unknown argument \"command\" on field \"Dog.doesKnowCommand\". "
                                   "Did you mean \"dogCommand\"?",
                                   "Field \"doesKnowCommand\" argument \"dogCommand\" of type "
                                   "\"DogCommand!\" is required, but it "
                                   "was not provided."));
  EXPECT_THAT(Errors("{ dog { isHouseTrained(atOtherHomes: true) @include(unless: false) } }"),
              UnorderedElementsAre("Unknown argument \"unless\" on directive \"@include\".",
                                   "Directive \"@include\" argument \"if\" of type \"Boolean!\" is "
                                   "required, but it was not provided."));
  EXPECT_THAT(Errors("{ arguments { multipleRequirements(y: 1, x: 2) } }"), IsEmpty());
  EXPECT_THAT(Errors("{ arguments { booleanArgField(booleanArg: true, booleanArg: false) } }"),
              ElementsAre("There can be only one argument named \"booleanArg\"."));
  EXPECT_THAT(Errors("{ arguments { optionalNonNullBooleanArgField } }"), IsEmpty());
  EXPECT_THAT(Errors("{ arguments { nonNullBooleanArgField(nonNullBooleanArg: null) } }"),
              ElementsAre("Expected value of type \"Boolean!\", found null."));
}

// 5.5.1
TEST(ValidateTest, FragmentDefinitions) {
  EXPECT_THAT(Errors("{ dog { ...f } } fragment f on Dog { name } fragment f on Dog { nickname }"),
              ElementsAre("There can be only one fragment named \"f\"."));
  EXPECT_THAT(Errors("{ dog { ...f } } fragment f on Elephant { name }"),
              ElementsAre("Unknown type \"Elephant\"."));
  EXPECT_THAT(Errors("{ dog { ... on Int { name } ...f } } fragment f on DogCommand { name }"),
              UnorderedElementsAre(
                  "Fragment cannot condition on non composite type \"Int\".",
                  "Fragment \"f\" cannot condition on non composite type \"DogCommand\"."));
  EXPECT_THAT(Errors("{ dog { name } } fragment f on Dog { name }"),
              ElementsAre("Fragment \"f\" is never used."));
}

// 5.5.2
TEST(ValidateTest, FragmentSpreads) {
  EXPECT_THAT(Errors("{ dog { ...undefined } }"), ElementsAre("Unknown fragment \"undefined\"."));
  EXPECT_THAT(
      Errors(
          "{ dog { ...a } } fragment a on Dog { name ...b } fragment b on Dog { barkVolume ...a }"),
      ElementsAre("Cannot spread fragment \"a\" within itself via \"b\"."));
  EXPECT_THAT(Errors("{ dog { ...f } } fragment f on Dog { ...f }"),
              ElementsAre("Cannot spread fragment \"f\" within itself."));
  EXPECT_THAT(Errors("{ dog { ... on CatOrDog { __typename } ... on DogOrHuman { __typename } } }"),
              IsEmpty());
  EXPECT_THAT(
      Errors(
          "{ dog { ... on Cat { meowVolume } } catOrDog { ... on HumanOrAlien { __typename } } }"),
      UnorderedElementsAre(
          "Fragment cannot be spread here as objects of type \"Dog\" can never be of type \"Cat\".",
          "Fragment cannot be spread here as objects of type \"CatOrDog\" can never be of type "
          "\"HumanOrAlien\"."));
}

// 5.6
TEST(ValidateTest, Values) {
  EXPECT_THAT(Errors("{ findDog(searchBy: {name: \"Fido\"}) { name } }"), IsEmpty());
  EXPECT_THAT(Errors("{ arguments { intArgField(intArg: \"123\") } }"),
              ElementsAre("Int cannot represent non-integer value: \"123\""));
  EXPECT_THAT(
      Errors("{ findDog(searchBy: {favoriteCookieFlavor: \"Bacon\"}) { name } }"),
      ElementsAre("Field \"favoriteCookieFlavor\" is not defined by type \"FindDogInput\"."));
  EXPECT_THAT(Errors("{ findDog(searchBy: {name: \"a\", name: \"b\"}) { name } }"),
              ElementsAre("There can be only one input field named \"name\"."));
  EXPECT_THAT(Errors("{ dog { doesKnowCommand(dogCommand: SITT) } }"),
              ElementsAre("Value \"SITT\" does not exist in \"DogCommand\" enum. Did you mean the "
                          "enum value \"SIT\"?"));
  EXPECT_THAT(Errors("{ booleanList(booleanListArg: true) }"), IsEmpty());
  EXPECT_THAT(Errors("{ booleanList(booleanListArg: [true, null]) }"),
              ElementsAre("Expected value of type \"Boolean!\", found null."));
}

// 5.7
TEST(ValidateTest, Directives) {
  EXPECT_THAT(Errors("query @skip(if: true) { dog { name } }"),
              ElementsAre("Directive \"@skip\" may not be used on QUERY."));
  EXPECT_THAT(Errors("{ dog { name @unknown } }"), ElementsAre("Unknown directive \"@unknown\"."));
  EXPECT_THAT(Errors("query ($a: Boolean = true) { dog @skip(if: $a) @skip(if: $a) { name } }"),
              ElementsAre("The directive \"@skip\" can only be used once at this location."));
}

// 5.8
TEST(ValidateTest, Variables) {
  EXPECT_THAT(
      Errors("query q($a: Boolean, $a: Boolean) { dog { isHouseTrained(atOtherHomes: $a) } }"),
      ElementsAre("There can be only one variable named \"$a\"."));
  EXPECT_THAT(Errors("query q($a: Cat, $b: [Unknown]) { dog { isHouseTrained(atOtherHomes: $a) "
                     "name @skip(if: $b) } }"),
              UnorderedElementsAre(
                  "Variable \"$a\" cannot be non-input type \"Cat\".", "Unknown type \"Unknown\".",
                  "Variable \"$a\" of type \"Cat\" used in position expecting type \"Boolean\"."));
  EXPECT_THAT(
      Errors("query q { dog { ...f } } fragment f on Dog { isHouseTrained(atOtherHomes: $a) }"),
      ElementsAre("Variable \"$a\" is not defined by operation \"q\"."));
  EXPECT_THAT(Errors("query q($a: Boolean) { dog { name } }"),
              ElementsAre("Variable \"$a\" is never used in operation \"q\"."));
  EXPECT_THAT(Errors("query ($a: Boolean) { dog { ...f } } fragment f on Dog { "
                     "isHouseTrained(atOtherHomes: $a) }"),
              IsEmpty());
  EXPECT_THAT(
      Errors("query q($a: Int) { arguments { booleanArgField(booleanArg: $a) } }"),
      ElementsAre("Variable \"$a\" of type \"Int\" used in position expecting type \"Boolean\"."));
  EXPECT_THAT(
      Errors("query q($a: [Boolean]) { booleanList(booleanListArg: $a) }"),
      ElementsAre(
          "Variable \"$a\" of type \"[Boolean]\" used in position expecting type \"[Boolean!]\"."));
  EXPECT_THAT(
      Errors("query q($a: Boolean!) { booleanList(booleanListArg: $a) }"),
      ElementsAre(
          "Variable \"$a\" of type \"Boolean!\" used in position expecting type \"[Boolean!]\"."));
  EXPECT_THAT(Errors("query q($a: Boolean) { arguments { "
                     "optionalNonNullBooleanArgField(optionalBooleanArg: $a) } }"),
              IsEmpty());
  EXPECT_THAT(Errors("query q($a: Boolean = true) { arguments { "
                     "nonNullBooleanArgField(nonNullBooleanArg: $a) } }"),
              IsEmpty());
  EXPECT_THAT(
      Errors(
          "query q($a: Boolean) { arguments { nonNullBooleanArgField(nonNullBooleanArg: $a) } }"),
      ElementsAre(
          "Variable \"$a\" of type \"Boolean\" used in position expecting type \"Boolean!\"."));
}

TEST(ValidateTest, ErrorsSayWhere) {
  const auto errors = Check("{ dog { name: nickname\n  name } }");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].locations, ElementsAre(Location{1, 9}, Location{2, 3}));
}

TEST(ValidateTest, StopsAfterAHundredErrors) {
  std::string document = "{";
  for (int i = 0; i < 500; ++i) document += " unknown";
  const auto errors = Errors(document + " }");
  ASSERT_EQ(errors.size(), 101u);
  EXPECT_EQ(errors.back(), "Too many validation errors, error limit reached. Validation aborted.");
}

TEST(ValidateTest, CountsFieldsAfterExpansion) {
  // Eight fragments, each of which spreads the next one four times under aliases: 4^8 fields.
  std::string document = "{ dog { ...F0 } }";
  for (int i = 0; i < 8; ++i) {
    const std::string next = i == 7 ? "name" : "...F" + std::to_string(i + 1);
    document += " fragment F" + std::to_string(i) + " on Dog { ";
    for (const char* alias : {"a", "b", "c", "d"}) {
      document += std::string(alias) + ": owner { pets { ... on Dog { " + next + " } } } ";
    }
    document += "}";
  }
  const auto errors = Errors(document, {.max_depth = 100});
  ASSERT_FALSE(errors.empty());
  EXPECT_THAT(errors.back(),
              HasSubstr("fields once its fragments are expanded; the limit is 1000."));
  EXPECT_THAT(
      Errors("query q { dog { a: name b: name } }", {.max_fields = 2}),
      ElementsAre("Operation \"q\" has 3 fields once its fragments are expanded; the limit is 2."));
  EXPECT_THAT(Errors("{ dog { ...f ...f } } fragment f on Dog { name }", {.max_fields = 3}),
              IsEmpty());
}

TEST(ValidateTest, MeasuresDepthThroughFragments) {
  const std::string document =
      "{ human { ...A } } fragment A on Human { pets { ...B } } fragment B on CatOrDog { ... on "
      "Dog { name } }";
  EXPECT_THAT(Errors(document, {.max_depth = 7}), IsEmpty());
  EXPECT_THAT(Errors(document, {.max_depth = 4}),
              testing::Contains(
                  "Operation is nested deeper than 4 levels once its fragments are expanded."));
}

TEST(ValidateTest, SurvivesLongChainsOfFragments) {
  std::string document = "{ dog { ...F0 } }";
  for (int i = 0; i < 1500; ++i) {
    document += "fragment F" + std::to_string(i) + " on Dog { ...F" + std::to_string(i + 1) + " }";
  }
  document += "fragment F1500 on Dog { name }";
  EXPECT_THAT(Errors(document, {.max_tokens = 100'000}),
              testing::Contains(HasSubstr("nested deeper")));
  const std::string cycle = document + "fragment F1501 on Dog { ...F1501 }";
  EXPECT_THAT(Errors(cycle, {.max_tokens = 100'000}),
              testing::Contains(HasSubstr("within itself")));
}

TEST(ValidateTest, LimitsRootFields) {
  EXPECT_THAT(Errors("mutation m { ...f c: mutateDog } fragment f on Mutation { a: mutateDog ... { "
                     "b: mutateDog } }",
                     {.max_mutations = 2}),
              ElementsAre("Operation \"m\" has 3 root fields; the limit is 2."));
  EXPECT_THAT(Errors("{ a: __typename b: __typename c: __typename }", {.max_root_fields = 2}),
              ElementsAre("Operation has 3 root fields; the limit is 2."));
}

TEST(ValidateTest, ComparesNoMoreFieldsThanItsBudget) {
  std::string document = "{ dog {";
  for (int i = 0; i < 900; ++i) document += " name";
  EXPECT_THAT(Errors(document + "} }"),
              ElementsAre("Fields overlap too often to compare them all. Validation aborted."));
}

TEST(ValidateTest, LimitsIntrospectionOfIntrospection) {
  EXPECT_THAT(Errors("{ __schema { types { fields { type { fields { name } } } } } }"), IsEmpty());
  EXPECT_THAT(Errors("{ __type(name: \"Dog\") { ...A } } fragment A on __Type { fields { type { "
                     "fields { type { "
                     "inputFields { name } } } } } }"),
              ElementsAre("Maximum introspection depth exceeded"));
}

}  // namespace
}  // namespace mao::graphql
