// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/unary.h and of scalar_f32.h.
#include "detector/kernels/unary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "detector/kernels/scalar_f32.h"
#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

std::vector<float> Apply(UnaryOp op, const std::vector<float>& src,
                         float parameter = 1) {
  std::vector<float> dst(src.size());
  EXPECT_TRUE(UnaryF32(op, parameter, src, dst).ok());
  return dst;
}

// An operator, its formula in double, and where it is tried.
struct Case {
  UnaryOp op;
  std::function<double(double)> formula;
  float low = -80;
  float high = 80;
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double Elu(double x) { return x < 0 ? std::expm1(x) : x; }
double Relu6(double x) { return std::min(std::max(x, 0.0), 6.0); }

// The parameter of leaky_relu and swish below: products with it are exact.
constexpr float kParameter = 0.5f;

std::vector<Case> AllCases() {
  return {
      {UnaryOp::kRelu, [](double x) { return std::max(x, 0.0); }},
      {UnaryOp::kRelu6, Relu6},
      {UnaryOp::kLeakyRelu,
       [](double x) { return x < 0 ? kParameter * x : x; }},
      {UnaryOp::kElu, Elu},
      {UnaryOp::kSelu,
       [](double x) {
         const double elu = x < 0 ? 1.6732632423543772 * Elu(x) : x;
         return 1.0507009873554805 * elu;
       }},
      {UnaryOp::kSigmoid, Sigmoid},
      {UnaryOp::kTanh, [](double x) { return std::tanh(x); }},
      {UnaryOp::kSoftplus, Softplus},
      {UnaryOp::kSoftsign, [](double x) { return x / (1 + std::abs(x)); }},
      {UnaryOp::kExp, [](double x) { return std::exp(x); }},
      {UnaryOp::kLog, [](double x) { return std::log(x); }, 1e-30f, 100},
      {UnaryOp::kLog1p, [](double x) { return std::log1p(x); }, -0.99f, 100},
      {UnaryOp::kSqrt, [](double x) { return std::sqrt(x); }, 0, 100},
      {UnaryOp::kRsqrt, [](double x) { return 1 / std::sqrt(x); }, 1e-30f, 100},
      {UnaryOp::kSquare, [](double x) { return x * x; }},
      {UnaryOp::kReciprocal, [](double x) { return 1 / x; }, 1e-30f, 100},
      {UnaryOp::kNeg, [](double x) { return -x; }},
      {UnaryOp::kAbs, [](double x) { return std::abs(x); }},
      {UnaryOp::kFloor, [](double x) { return std::floor(x); }},
      {UnaryOp::kCeil, [](double x) { return std::ceil(x); }},
      {UnaryOp::kRound, [](double x) { return std::nearbyint(x); }},
      {UnaryOp::kErf, [](double x) { return std::erf(x); }, -4, 4},
      {UnaryOp::kSwish, [](double x) { return x * Sigmoid(kParameter * x); }},
      {UnaryOp::kHardSwish, [](double x) { return x * Relu6(x + 3) / 6; }},
      {UnaryOp::kMish, [](double x) { return x * std::tanh(Softplus(x)); }},
  };
}

// 5e-7 is four units in the last place at worst; x + 3 of the hard swish has
// lost some of its own near -3.
TEST(UnaryTest, EveryOperatorIsCloseToItsFormulaInDouble) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Case& c : AllCases()) {
    SCOPED_TRACE(UnaryOpName(c.op));
    std::vector<float> src = random.Floats(2000, c.low, c.high);
    for (float& x : random.Floats(2000, 0, 1)) {
      src.push_back(std::clamp(4 * x - 2, c.low, c.high));
    }
    std::vector<float> expected;
    for (const float x : src) {
      expected.push_back(static_cast<float>(c.formula(static_cast<double>(x))));
    }
    const double absolute = c.op == UnaryOp::kHardSwish ? 2e-7 : 1e-37;
    ExpectClose(Apply(c.op, src, kParameter), expected, 5e-7, absolute);
  }
}

TEST(UnaryTest, EveryOperatorKeepsNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Case& c : AllCases()) {
    EXPECT_TRUE(std::isnan(Apply(c.op, {nan})[0])) << UnaryOpName(c.op);
  }
}

TEST(UnaryTest, EveryOperatorWorksInPlace) {
  RandomNumbers random;
  SCOPED_TRACE(random.Seed());
  for (const Case& c : AllCases()) {
    const std::vector<float> src = random.Floats(9, 0.5f, 3);
    std::vector<float> x = src;
    ASSERT_TRUE(UnaryF32(c.op, kParameter, x, x).ok());
    EXPECT_EQ(x, Apply(c.op, src, kParameter)) << UnaryOpName(c.op);
  }
}

// tf.nn.elu and so on of [-3, -0.5, 0, 0.5, 3] in float32.
TEST(UnaryTest, ActivationsEqualTensorFlow) {
  const std::vector<float> x = {-3, -0.5f, 0, 0.5f, 3};
  ExpectClose(Apply(UnaryOp::kElu, x),
              {-0.9502129554748535f, -0.39346933364868164f, 0, 0.5f, 3});
  ExpectClose(Apply(UnaryOp::kSelu, x),
              {-1.6705687046051025f, -0.6917581558227539f, 0,
               0.5253505110740662f, 3.1521029472351074f});
  ExpectClose(Apply(UnaryOp::kSoftplus, x),
              {0.04858735203742981f, 0.4740769863128662f, 0.6931471824645996f,
               0.9740769863128662f, 3.0485873222351074f});
  ExpectClose(Apply(UnaryOp::kSoftsign, x),
              {-0.75f, -0.3333333432674408f, 0, 0.3333333432674408f, 0.75f});
  ExpectClose(Apply(UnaryOp::kErf, x),
              {-0.9999777674674988f, -0.5204998850822449f, 0,
               0.5204998850822449f, 0.9999777674674988f});
  ExpectClose(Apply(UnaryOp::kSwish, x),
              {-0.14227762818336487f, -0.1887703388929367f, 0,
               0.3112296760082245f, 2.857722282409668f});
  ExpectClose(Apply(UnaryOp::kLeakyRelu, x, 0.2f),
              {-0.6000000238418579f, -0.10000000149011612f, 0, 0.5f, 3});
}

TEST(UnaryTest, RoundTakesHalfToEven) {
  EXPECT_EQ(Apply(UnaryOp::kRound, {-2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f}),
            (std::vector<float>{-2, -2, 0, 0, 2, 2}));
}

TEST(UnaryTest, FarInputsDoNotOverflow) {
  const float big = std::numeric_limits<float>::max();
  EXPECT_EQ(Apply(UnaryOp::kSigmoid, {-big, big}), (std::vector<float>{0, 1}));
  EXPECT_EQ(Apply(UnaryOp::kSoftplus, {-big, big}),
            (std::vector<float>{0, big}));
  EXPECT_EQ(Apply(UnaryOp::kSwish, {-big, big}), (std::vector<float>{0, big}));
  EXPECT_EQ(Apply(UnaryOp::kMish, {-big, big}), (std::vector<float>{0, big}));
  EXPECT_EQ(Apply(UnaryOp::kElu, {-big, big}), (std::vector<float>{-1, big}));
}

template <typename T>
std::vector<T> ApplyInt(UnaryOp op, const std::vector<T>& src) {
  std::vector<T> dst(src.size());
  EXPECT_TRUE(UnaryInt(op, std::span<const T>(src), std::span<T>(dst)).ok());
  return dst;
}

template <typename T>
class UnaryIntTest : public testing::Test {};
using IntTypes = testing::Types<int32_t, int64_t>;
TYPED_TEST_SUITE(UnaryIntTest, IntTypes);

TYPED_TEST(UnaryIntTest, ComputesAndWraps) {
  using T = TypeParam;
  const T low = std::numeric_limits<T>::min();
  const std::vector<T> src = {-3, 0, 5, low};
  EXPECT_EQ(ApplyInt<T>(UnaryOp::kNeg, src), (std::vector<T>{3, 0, -5, low}));
  EXPECT_EQ(ApplyInt<T>(UnaryOp::kAbs, src), (std::vector<T>{3, 0, 5, low}));
  EXPECT_EQ(ApplyInt<T>(UnaryOp::kSquare, src), (std::vector<T>{9, 0, 25, 0}));
  EXPECT_EQ(ApplyInt<T>(UnaryOp::kRelu, src), (std::vector<T>{0, 0, 5, 0}));
}

TYPED_TEST(UnaryIntTest, RefusesOperatorsOfFloats) {
  std::vector<TypeParam> x = {1};
  const Status status = UnaryInt(UnaryOp::kExp, std::span<const TypeParam>(x),
                                 std::span<TypeParam>(x));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "operator = exp: of integers must be relu, square, neg or abs");
}

TEST(UnaryTest, LogicalNotTakesAnyOtherNumberForTrue) {
  const std::vector<uint8_t> src = {0, 1, 2, 255};
  std::vector<uint8_t> dst(4);
  ASSERT_TRUE(LogicalNot(src, dst).ok());
  EXPECT_EQ(dst, (std::vector<uint8_t>{1, 0, 0, 0}));
}

TEST(UnaryTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<float> src(3);
  EXPECT_EQ(UnaryF32(UnaryOp::kExp, 0, src, {}).message(),
            "dst elements = 0: must be 3");
  const std::vector<uint8_t> bits(3);
  EXPECT_EQ(LogicalNot(bits, {}).message(), "dst elements = 0: must be 3");
  const std::vector<int32_t> ints(3);
  EXPECT_EQ(UnaryInt(UnaryOp::kNeg, ints, {}).message(),
            "dst elements = 0: must be 3");
}

// The bits, with one number for all that are none.
uint32_t BitsOf(float x) { return x != x ? ~0u : std::bit_cast<uint32_t>(x); }

float Nearest(double x) { return static_cast<float>(x); }

// Floats of every size and sign, infinities and numbers that are none.
std::vector<float> ManyFloats(uint32_t step) {
  std::vector<float> floats = {0.0f, -0.0f, 1.0f, -1.0f, 88.7228f, -103.9f};
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += step) {
    const auto x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    floats.push_back(x == x ? x : std::numeric_limits<float>::quiet_NaN());
  }
  return floats;
}

TEST(ScalarF32Test, ExpAndLogGiveTheNearestFloat) {
  for (const float x : ManyFloats(40'009)) {
    ASSERT_EQ(BitsOf(ExpF32(x)),
              BitsOf(Nearest(std::exp(static_cast<double>(x)))))
        << x;
    ASSERT_EQ(BitsOf(LogF32(x)),
              BitsOf(Nearest(std::log(static_cast<double>(x)))))
        << x;
  }
}

TEST(ScalarF32Test, PowGivesTheNearestFloat) {
  const std::vector<float> bases = ManyFloats(4'000'037);
  for (const float exponent :
       {0.0f, 1.0f, 2.0f, 3.0f, -1.0f, -3.0f, 0.5f, -2.25f, 1e-3f, 37.0f,
        1e9f, -1e9f, 16777217.0f, std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    for (const float base : bases) {
      ASSERT_EQ(BitsOf(PowF32(base, exponent)),
                BitsOf(Nearest(std::pow(static_cast<double>(base),
                                        static_cast<double>(exponent)))))
          << base << " ^ " << exponent;
    }
  }
}

}  // namespace
}  // namespace cyto8
