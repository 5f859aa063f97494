#include "kernels/arch/vec_generic.h"
#include "kernels/norm/norm_vector.h"

namespace mao {

const NormKernels kNormGeneric = {&LayerNormRow<VecGeneric>, &RmsNormRow<VecGeneric>};

}  // namespace mao
