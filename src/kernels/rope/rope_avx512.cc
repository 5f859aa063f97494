#include "kernels/arch/vec_avx512.h"
#include "kernels/rope/rope_vector.h"

namespace mao {

const RopeKernels kRopeAvx512 = {&RotateHalfRow<VecAvx512>};

}  // namespace mao
