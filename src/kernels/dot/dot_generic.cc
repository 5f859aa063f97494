#include "kernels/arch/vec_generic.h"
#include "kernels/dot/dot_int_vector.h"
#include "kernels/dot/dot_vector.h"

namespace mao {

const DotKernels kDotGeneric = {&PrepareRows<VecGeneric>, &RunVector<VecGeneric>};
const DotKernels kDotIntGeneric = {&PrepareIntRows<VecGeneric>, &RunInt<IntDotsGeneric>};
const PackKernels kPackGeneric = {&PackPanelScalar, &QuantizeGroup<VecGeneric>};

}  // namespace mao
