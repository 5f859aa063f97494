#include "kernels/arch/vec_avx512.h"
#include "kernels/attention/attention_vector.h"

namespace mao {

const AttentionKernels kAttentionAvx512 = {&Attend<VecAvx512>, &PackValuePair<VecAvx512>,
                                           &RoundRow<VecAvx512>};

}  // namespace mao
