#include "kernels/arch/vec_avx2.h"
#include "kernels/dot/dot_int_vector.h"
#include "kernels/dot/dot_vector.h"

namespace mao {

const DotKernels kDotAvx2 = {&PrepareRows<VecAvx2>, &RunVector<VecAvx2>};
const DotKernels kDotIntAvx2 = {&PrepareIntRows<VecAvx2>, &RunInt<IntDotsAvx2>};
const PackKernels kPackAvx2 = {&PackPanelScalar, &QuantizeGroup<VecAvx2>};

}  // namespace mao
