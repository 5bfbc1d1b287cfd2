import type { WhyMethodName } from './why-document.ts';

/** What a method is called where its results are shown, and what it computes. */
export const titles: Readonly<Record<WhyMethodName, { readonly title: string; readonly formula: string }>> = {
  'integrated-gradients': {
    title: 'Integrated gradients (revised)',
    formula: 'A_i = ⟨x_i − b_i, ∫₀¹ ∂f/∂x_i (b + t (x − b)) dt⟩',
  },
  lrp: { title: 'LRP, attention held', formula: 'relevance of the logit, all of it to the values of an attention' },
  'attn-lrp': { title: 'AttnLRP', formula: 'relevance of the logit, half of it to the weights of an attention' },
  gradient: { title: 'Gradient × embedding', formula: 'A_i = ⟨x_i, ∂f/∂x_i⟩' },
  'leave-one-out': { title: 'Leave one out', formula: 'A_k = f(x) − f(x without unit k)' },
  guided: {
    title: 'Leave out, guided by the gradient',
    formula:
      'A_k = f(x) − f(x without unit k) of the units with the largest |⟨x, ∂f/∂x⟩|; the others keep that, scaled',
  },
  refined: {
    title: 'Leave out, refined',
    formula: 'A_G = f(x) − f(x without the units G), G halved where |A_G| is largest',
  },
  surrogate: { title: 'Sparse linear surrogate', formula: 'argmin Σ_S (f(S) − w₀ − Σ_{k ∈ S} A_k)² / 2n + λ |A|₁' },
  shapley: { title: 'KernelSHAP', formula: 'A_k = Shapley value of unit k in the game f(S)' },
};
