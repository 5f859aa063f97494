#include "kernels/arch/vec_avx2.h"
#include "kernels/act/act_vector.h"

namespace mao {

const ActKernels kActAvx2 = {&SiluAndMulRow<VecAvx2>};

}  // namespace mao
