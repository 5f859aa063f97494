#include "kernels/arch/vec_avx2.h"
#include "kernels/rope/rope_vector.h"

namespace mao {

const RopeKernels kRopeAvx2 = {&RotateHalfRow<VecAvx2>};

}  // namespace mao
