#include "kernels/arch/vec_avx2.h"
#include "kernels/dot/dot_vector.h"

namespace mao {

const DotKernels kDotAvx2 = {&PrepareRows<VecAvx2>, &RunVector<VecAvx2>, &PackPanelScalar};

}  // namespace mao
