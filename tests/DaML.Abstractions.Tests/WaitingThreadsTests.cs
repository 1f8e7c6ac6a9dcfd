namespace DaML.Tests;

/// <summary>The limit to spinning is set for libtorch unless the user has chosen how threads wait.</summary>
public sealed class WaitingThreadsTests
{
    [Theory]
    [InlineData(null, null, "1000")]
    [InlineData("PASSIVE", null, null)]
    [InlineData(null, "7", "7")]
    public void The_users_choice_comes_first(string? policy, string? spins, string? expected)
    {
        var environment = new Dictionary<string, string?> { ["OMP_WAIT_POLICY"] = policy, ["GOMP_SPINCOUNT"] = spins };
        WaitingThreads.Apply(name => environment[name], (name, value) => environment[name] = value);
        Assert.Equal(expected, environment["GOMP_SPINCOUNT"]);
        Assert.Equal(policy, environment["OMP_WAIT_POLICY"]);
    }
}
