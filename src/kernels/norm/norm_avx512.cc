#include "kernels/arch/vec_avx512.h"
#include "kernels/norm/norm_vector.h"

namespace mao {

const NormKernels kNormAvx512 = {&LayerNormRow<VecAvx512>, &RmsNormRow<VecAvx512>};

}  // namespace mao
