#include "kernels/arch/vec_generic.h"
#include "kernels/dot/dot_vector.h"

namespace mao {

const DotKernels kDotGeneric = {&PrepareRows<VecGeneric>, &RunVector<VecGeneric>, &PackPanelScalar};

}  // namespace mao
