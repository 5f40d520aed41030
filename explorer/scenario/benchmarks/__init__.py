"""Reading the files that benchmark clients write: vLLM, SGLang, GuideLLM, MLPerf, InferenceX rows, plain CSV."""
