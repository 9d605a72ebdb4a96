"""MAF, the Multimodal Alignment Framework (Wang et al., EMNLP 2020): its checkpoints and training.

An object m of an image has a vector (Eq. 1) of its label's embedding l_m, its attribute's t_m and
its region feature f_m; a phrase has one (Eq. 2 and 3) of its words' embeddings h_k, weighed by how
much one object stands out for them::

    v_m = l_m + W_t t_m + W_f f_m
    a[k, m] = softmax over m of h_k . v_m / sqrt(d),  alpha_k = max over m of a[k, m]
    e_n = W_p (sum over k of beta_k h_k),  beta = softmax over the phrase's words of alpha

A phrase is found at the object with the highest e_n . v_m (Eq. 6 and 7). No box is learned from:
captions are to tell their image from others (Eq. 4 and 5), a caption's similarity to an image being
the mean over its phrases of the highest e_n . v_m::

    L = -log (exp sim(I, S) / sum over images I' of the batch of exp sim(I', S))

A phrase's attention always looks at the image of its own caption. Only this package imports torch.
"""
