#include "kernels/arch/vec_avx2.h"
#include "kernels/attention/attention_vector.h"

namespace mao {

const AttentionKernels kAttentionAvx2 = {&Attend<VecAvx2>, &PackValuePair<VecAvx2>,
                                         &RoundRow<VecAvx2>};

}  // namespace mao
