#include "kernels/arch/vec_avx512.h"
#include "kernels/dot/dot_vector.h"

namespace mao {

const DotKernels kDotAvx512 = {&PrepareRows<VecAvx512>, &RunVector<VecAvx512>};

}  // namespace mao
