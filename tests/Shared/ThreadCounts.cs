namespace DaML.Tests;

/// <summary>The number of libtorch's threads is the process's: tests that change it run with no other beside them.</summary>
[CollectionDefinition(nameof(ThreadCounts), DisableParallelization = true)]
public sealed class ThreadCounts;
