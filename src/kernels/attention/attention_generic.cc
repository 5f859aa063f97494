#include "kernels/arch/vec_generic.h"
#include "kernels/attention/attention_vector.h"

namespace mao {

const AttentionKernels kAttentionGeneric = {&Attend<VecGeneric>, &PackValuePair<VecGeneric>,
                                            &RoundRow<VecGeneric>};

}  // namespace mao
