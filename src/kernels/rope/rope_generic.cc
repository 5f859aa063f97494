#include "kernels/arch/vec_generic.h"
#include "kernels/rope/rope_vector.h"

namespace mao {

const RopeKernels kRopeGeneric = {&RotateHalfRow<VecGeneric>};

}  // namespace mao
