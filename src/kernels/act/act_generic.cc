#include "kernels/arch/vec_generic.h"
#include "kernels/act/act_vector.h"

namespace mao {

const ActKernels kActGeneric = {&SiluAndMulRow<VecGeneric>};

}  // namespace mao
