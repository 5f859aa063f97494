#include "kernels/act/act_vector.h"
#include "kernels/arch/vec_generic.h"

namespace mao {

const ActKernels kActGeneric = {&SiluAndMulRow<VecGeneric>, &SoftmaxRow<VecGeneric>};

}  // namespace mao
