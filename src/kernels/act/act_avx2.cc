#include "kernels/act/act_vector.h"
#include "kernels/arch/vec_avx2.h"

namespace mao {

const ActKernels kActAvx2 = {&SiluAndMulRow<VecAvx2>, &SoftmaxRow<VecAvx2>};

}  // namespace mao
