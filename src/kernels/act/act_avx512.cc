#include "kernels/act/act_vector.h"
#include "kernels/arch/vec_avx512.h"

namespace mao {

const ActKernels kActAvx512 = {&SiluAndMulRow<VecAvx512>, &SoftmaxRow<VecAvx512>};

}  // namespace mao
