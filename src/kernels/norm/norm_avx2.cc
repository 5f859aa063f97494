#include "kernels/arch/vec_avx2.h"
#include "kernels/norm/norm_vector.h"

namespace mao {

const NormKernels kNormAvx2 = {&LayerNormRow<VecAvx2>, &RmsNormRow<VecAvx2>};

}  // namespace mao
