namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>Learning rates as functions of the number of steps taken.</summary>
        public static partial class lr_scheduler
        {
            /// <summary>Sets the learning rates of an optimizer's groups; its constructor takes the step to epoch 0, the caller takes one after each epoch.</summary>
            public abstract class LRScheduler
            {
                internal readonly Optimizer _optimizer = null!;
                internal readonly IList<double> _base_lrs = [];
                internal readonly IList<double> _last_lrs = [];
                internal readonly bool _verbose;
                internal int _last_epoch = -1;
                protected int _step_count;

                protected LRScheduler()
                {
                }

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    ArgumentNullException.ThrowIfNull(optimizer);
                    _optimizer = optimizer;
                    (_last_epoch, _verbose) = (last_epoch, verbose);
                    _base_lrs = [.. optimizer.ParamGroups.Select(g => g.InitialLearningRate)];
                    _last_lrs = [.. optimizer.ParamGroups.Select(g => g.LearningRate)];
                }

                public virtual void step() => step(null);

                public virtual void step(int? epoch)
                {
                    _step_count++;
                    _last_epoch = epoch ?? _last_epoch + 1;
                    // Asked for once: some schedules change their own state, and the optimizer's, when asked.
                    Set([.. epoch is null ? get_lr() : get_closed_form_lr()]);
                }

                /// <summary>A step that is told the metric; only <c>ReduceLROnPlateau</c> looks at it.</summary>
                public virtual void step(double current, int? epoch = null) => step(epoch);

                private protected void Set(double[] rates)
                {
                    var i = 0;
                    foreach (var group in _optimizer.ParamGroups)
                    {
                        if (_verbose && _last_lrs[i] != rates[i]) Console.WriteLine($"Adjusting learning rate to {rates[i]}");
                        group.LearningRate = _last_lrs[i] = rates[i];
                        i++;
                    }
                }

                protected virtual IEnumerable<double> get_lr() => _optimizer.ParamGroups.Select((g, i) => Next(g.LearningRate, _base_lrs[i], _last_epoch));
                protected virtual IEnumerable<double> get_closed_form_lr() => get_lr().Select((rate, i) => Closed(_base_lrs[i], _last_epoch) ?? rate);

                /// <summary>A group's rate from the one before it, so that schedules combine.</summary>
                private protected virtual double Next(double current, double initial, int epoch) => current;

                /// <summary>A group's rate from its initial one alone, or null where there is no such form.</summary>
                private protected virtual double? Closed(double initial, int epoch) => null;

                public IEnumerable<double> get_last_lr() => _last_lrs;

                /// <summary>Takes back the constructor's step, for a scheduler that hands out the steps of others.</summary>
                internal void Rewind() => _last_epoch--;
            }

            public static partial class impl
            {
                /// <summary>initial lambda(epoch).</summary>
                public class LambdaLR : LRScheduler
                {
                    private readonly Func<int, double>[] _lambdas;

                    public LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, Enumerable.Repeat(lr_lambda, optimizer.ParamGroups.Count()), last_epoch, verbose)
                    {
                    }

                    public LambdaLR(Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _lambdas = [.. lr_lambdas];
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _base_lrs.Select((b, i) => b * _lambdas[i](_last_epoch));
                }

                /// <summary>The rate before times lambda(epoch).</summary>
                public class MultiplicativeLR : LRScheduler
                {
                    private readonly Func<int, double>[] _lambdas;

                    public MultiplicativeLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, Enumerable.Repeat(lr_lambda, optimizer.ParamGroups.Count()), last_epoch, verbose)
                    {
                    }

                    public MultiplicativeLR(Optimizer optimizer, IEnumerable<Func<int, double>> lr_lambdas, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _lambdas = [.. lr_lambdas];
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _optimizer.ParamGroups.Select((g, i) => _last_epoch > 0 ? g.LearningRate * _lambdas[i](_last_epoch) : g.LearningRate);
                }

                /// <summary>initial gamma^(epoch / step_size), the quotient rounded down.</summary>
                public class StepLR : LRScheduler
                {
                    private readonly int _size;
                    private readonly double _gamma;

                    public StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (step_size < 1) throw new ArgumentException($"step_size must be positive, was {step_size}.");
                        (_size, _gamma) = (step_size, gamma);
                        step();
                    }

                    private protected override double Next(double current, double initial, int epoch) => epoch == 0 || epoch % _size != 0 ? current : current * _gamma;
                    private protected override double? Closed(double initial, int epoch) => initial * Math.Pow(_gamma, epoch / _size);
                }

                /// <summary>initial gamma^(number of milestones reached).</summary>
                public class MultiStepLR : LRScheduler
                {
                    private readonly int[] _milestones;
                    private readonly double _gamma;

                    public MultiStepLR(Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (_milestones, _gamma) = ([.. milestones], gamma);
                        step();
                    }

                    private protected override double Next(double current, double initial, int epoch) => current * Math.Pow(_gamma, _milestones.Count(m => m == epoch));
                    private protected override double? Closed(double initial, int epoch) => initial * Math.Pow(_gamma, _milestones.Count(m => m <= epoch));
                }

                /// <summary>initial gamma^epoch.</summary>
                public class ExponentialLR : LRScheduler
                {
                    private readonly double _gamma;

                    public ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        _gamma = gamma;
                        step();
                    }

                    private protected override double Next(double current, double initial, int epoch) => epoch == 0 ? current : current * _gamma;
                    private protected override double? Closed(double initial, int epoch) => initial * Math.Pow(_gamma, epoch);
                }

                /// <summary>initial factor until total_iters, initial from there on.</summary>
                public class ConstantLR : LRScheduler
                {
                    private readonly double _factor;
                    private readonly int _total;

                    public ConstantLR(Optimizer optimizer, double factor = 1.0 / 3, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (factor is not (> 0 and <= 1)) throw new ArgumentException($"factor must be in (0, 1], was {factor}.");
                        (_factor, _total) = (factor, total_iters);
                        step();
                    }

                    private protected override double Next(double current, double initial, int epoch) => epoch == 0 ? current * _factor : epoch == _total ? current / _factor : current;
                    private protected override double? Closed(double initial, int epoch) => epoch < _total ? initial * _factor : initial;
                }

                /// <summary>initial times a factor that goes in equal steps from start_factor to end_factor in total_iters epochs.</summary>
                public class LinearLR : LRScheduler
                {
                    private readonly double _start, _end;
                    private readonly int _total;

                    public LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1, int total_iters = 5, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        if (start_factor is not (> 0 and <= 1)) throw new ArgumentException($"start_factor must be in (0, 1], was {start_factor}.");
                        if (end_factor is not (>= 0 and <= 1)) throw new ArgumentException($"end_factor must be in [0, 1], was {end_factor}.");
                        (_start, _end, _total) = (start_factor, end_factor, total_iters);
                        step();
                    }

                    private double Factor(int epoch) => _start + (_end - _start) * Math.Min(epoch, _total) / _total;
                    private protected override double Next(double current, double initial, int epoch) => epoch == 0 ? current * _start : epoch > _total ? current : current * (Factor(epoch) / Factor(epoch - 1));
                    private protected override double? Closed(double initial, int epoch) => initial * Factor(epoch);
                }

                /// <summary>initial (1 - epoch / total_iters)^power, zero from total_iters on.</summary>
                public class PolynomialLR : LRScheduler
                {
                    private readonly int _total;
                    private readonly double _power;

                    public PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (_total, _power) = (total_iters, power);
                        step();
                    }

                    private protected override double Next(double current, double initial, int epoch) =>
                        epoch == 0 || epoch > _total ? current : current * Math.Pow((1.0 - (double)epoch / _total) / (1.0 - (epoch - 1.0) / _total), _power);

                    private protected override double? Closed(double initial, int epoch) => initial * Math.Pow(1.0 - (double)Math.Min(epoch, _total) / _total, _power);
                }

                /// <summary>eta_min + (initial - eta_min) (1 + cos(π epoch / T_max)) / 2 (Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts).</summary>
                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double _period, _lowest;

                    public CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) : base(optimizer, last_epoch, verbose)
                    {
                        (_period, _lowest) = (T_max, eta_min);
                        step();
                    }

                    private double Height(double epoch) => 1 + Math.Cos(Math.PI * epoch / _period);

                    private protected override double Next(double current, double initial, int epoch)
                    {
                        if (epoch == 0) return current;
                        if (_step_count == 1) return Closed(initial, epoch)!.Value;
                        // At the bottom the recursion would divide by zero.
                        if ((epoch - 1 - _period) % (2 * _period) == 0) return current + (initial - _lowest) * (1 - Math.Cos(Math.PI / _period)) / 2;
                        return _lowest + (current - _lowest) * Height(epoch) / Height(epoch - 1);
                    }

                    private protected override double? Closed(double initial, int epoch) => _lowest + (initial - _lowest) * Height(epoch) / 2;
                }

                /// <summary>Reduces the rates by a factor when the metric has not improved for more than <c>patience</c> epochs.</summary>
                public class ReduceLROnPlateau : LRScheduler
                {
                    private readonly bool _minimum, _relative;
                    private readonly double _factor, _threshold, _eps;
                    private readonly int _patience, _cooldown;
                    private readonly double[] _lowest;
                    private double _best;
                    private int _bad, _resting;

                    public ReduceLROnPlateau(Optimizer optimizer, string mode = "min", double factor = 0.1, int patience = 10, double threshold = 1e-4, string threshold_mode = "rel", int cooldown = 0, IList<double> min_lr = null!, double eps = 1e-8, bool verbose = false)
                        : base(optimizer, -1, verbose)
                    {
                        if (factor >= 1) throw new ArgumentException("factor should be < 1.0");
                        if (mode is not ("min" or "max")) throw new ArgumentException($"mode {mode} is unknown!");
                        if (threshold_mode is not ("rel" or "abs")) throw new ArgumentException($"threshold mode {threshold_mode} is unknown!");
                        (_minimum, _relative) = (mode == "min", threshold_mode == "rel");
                        (_factor, _patience, _threshold, _cooldown, _eps) = (factor, patience, threshold, cooldown, eps);
                        _lowest = min_lr switch
                        {
                            null or { Count: 0 } => new double[_base_lrs.Count],
                            { Count: 1 } => [.. Enumerable.Repeat(min_lr[0], _base_lrs.Count)],
                            _ when min_lr.Count == _base_lrs.Count => [.. min_lr],
                            _ => throw new ArgumentException($"expected {_base_lrs.Count} min_lrs, got {min_lr.Count}"),
                        };
                        _best = _minimum ? double.PositiveInfinity : double.NegativeInfinity;
                    }

                    public override void step() => throw new InvalidOperationException("step() should not be used with the ReduceLROnPlateau scheduler. Use step(double, int?), instead.");
                    public override void step(int? epoch) => throw new InvalidOperationException("step(int?) should not be used with the ReduceLROnPlateau scheduler. Use step(double, int?), instead.");

                    public override void step(double current, int? epoch = null)
                    {
                        _last_epoch = epoch ?? _last_epoch + 1;
                        if (Better(current)) (_best, _bad) = (current, 0);
                        else _bad++;
                        if (_resting > 0) (_resting, _bad) = (_resting - 1, 0);
                        if (_bad <= _patience) return;
                        Set([.. _optimizer.ParamGroups.Select((g, i) => Reduced(g.LearningRate, i))]);
                        (_resting, _bad) = (_cooldown, 0);
                    }

                    private double Reduced(double rate, int group)
                    {
                        var reduced = Math.Max(rate * _factor, _lowest[group]);
                        return rate - reduced > _eps ? reduced : rate;
                    }

                    private bool Better(double a) => (_minimum, _relative) switch
                    {
                        (true, true) => a < _best * (1 - _threshold),
                        (true, false) => a < _best - _threshold,
                        (false, true) => a > _best * (1 + _threshold),
                        _ => a > _best + _threshold,
                    };
                }

                /// <summary>Up to max_lr and down again far below the start, once (Smith and Topin, "Super-convergence", 2018); momentum moves the other way.</summary>
                public class OneCycleLR : LRScheduler
                {
                    public enum AnnealStrategy
                    {
                        Cos = 0,
                        Linear = 1,
                    }

                    // Which of (initial, max, least) a phase leads from and to; momentum likewise of (max, base).
                    private readonly (double End, int From, int To, bool MomentumFalls)[] _phases;
                    private readonly double[][] _rates;
                    private readonly double[] _baseMomentum = [], _maxMomentum = [];
                    private readonly int _total;
                    private readonly AnnealStrategy _strategy;
                    private readonly bool _cycleMomentum;

                    public OneCycleLR(Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 1e4, bool three_phase = false, int last_epoch = -1, bool verbose = false)
                        : this(optimizer, Enumerable.Repeat(max_lr, optimizer.ParamGroups.Count()), total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, Enumerable.Repeat(base_momentum, optimizer.ParamGroups.Count()), Enumerable.Repeat(max_momentum, optimizer.ParamGroups.Count()), div_factor, final_div_factor, three_phase, last_epoch, verbose)
                    {
                    }

                    public OneCycleLR(Optimizer optimizer, IEnumerable<double> max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, AnnealStrategy anneal_strategy = AnnealStrategy.Cos, bool cycle_momentum = true, IEnumerable<double> base_momentum = null!, IEnumerable<double> max_momentum = null!, double div_factor = 25, double final_div_factor = 1e4, bool three_phase = false, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        _total = total_steps >= 0 ? total_steps : checked(epochs * steps_per_epoch);
                        if (_total <= 0 || (total_steps < 0 && (epochs <= 0 || steps_per_epoch <= 0)))
                        {
                            throw new ArgumentException("OneCycleLR needs total_steps, or epochs and steps_per_epoch, all positive.");
                        }
                        if (pct_start is < 0 or > 1) throw new ArgumentException($"pct_start must be in [0, 1], was {pct_start}.");
                        (_strategy, _cycleMomentum) = (anneal_strategy, cycle_momentum);
                        _phases = three_phase
                            ? [(pct_start * _total - 1, 0, 1, true), (2 * pct_start * _total - 2, 1, 0, false), (_total - 1, 0, 2, false)]
                            : [(pct_start * _total - 1, 0, 1, true), (_total - 1, 1, 2, false)];
                        _rates = [.. max_lr.Select(m => new[] { m / div_factor, m, m / div_factor / final_div_factor })];
                        var groups = optimizer.ParamGroups.ToList();
                        if (_rates.Length != groups.Count) throw new ArgumentException($"max_lr has {_rates.Length} values for {groups.Count} groups.");
                        if (cycle_momentum)
                        {
                            if (groups.Any(g => g is not (IMomentum or IBetas))) throw new ArgumentException("optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
                            _baseMomentum = [.. base_momentum ?? Enumerable.Repeat(0.85, groups.Count)];
                            _maxMomentum = [.. max_momentum ?? Enumerable.Repeat(0.95, groups.Count)];
                        }
                        if (last_epoch == -1)
                        {
                            for (var i = 0; i < groups.Count; i++) groups[i].InitialLearningRate = _base_lrs[i] = _rates[i][0];
                        }
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (_last_epoch >= _total) throw new InvalidOperationException($"Tried to step {_last_epoch + 1} times. The specified number of total steps is {_total}");
                        var (from, to, falls, part) = Now();
                        var i = 0;
                        foreach (var group in _optimizer.ParamGroups)
                        {
                            if (_cycleMomentum)
                            {
                                var (high, low) = (_maxMomentum[i], _baseMomentum[i]);
                                // After the fall and the rise momentum stays high.
                                var m = falls ? Between(high, low, part) : from == 1 ? Between(low, high, part) : high;
                                if (group is IBetas b) b.Betas = (m, b.Betas.Item2);
                                else ((IMomentum)group).Momentum = m;
                            }
                            yield return Between(_rates[i][from], _rates[i][to], part);
                            i++;
                        }
                    }

                    private (int From, int To, bool MomentumFalls, double Part) Now()
                    {
                        var start = 0.0;
                        for (var k = 0; ; k++)
                        {
                            var (end, from, to, falls) = _phases[k];
                            if (_last_epoch <= end || k == _phases.Length - 1) return (from, to, falls, (_last_epoch - start) / (end - start));
                            start = end;
                        }
                    }

                    private double Between(double start, double end, double part) => _strategy == AnnealStrategy.Linear
                        ? start + (end - start) * part
                        : end + (start - end) / 2 * (1 + Math.Cos(Math.PI * part));
                }

                /// <summary>One schedule after the other, changing at the milestones.</summary>
                public class SequentialLR : LRScheduler
                {
                    private readonly LRScheduler[] _schedulers;
                    private readonly int[] _milestones;

                    public SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) : base(optimizer, last_epoch + 1)
                    {
                        (_schedulers, _milestones) = ([.. schedulers], [.. milestones]);
                        if (_schedulers.Length == 0 || _milestones.Length != _schedulers.Length - 1)
                        {
                            throw new ArgumentException($"SequentialLR needs one milestone less than schedulers, was given {_milestones.Length} for {_schedulers.Length}.");
                        }
                        if (_schedulers.Any(s => !ReferenceEquals(s._optimizer, optimizer))) throw new ArgumentException("All schedulers of a SequentialLR must drive its optimizer.");
                        // Each constructor has already taken a step; only the first schedule's counts.
                        foreach (var group in optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate;
                        foreach (var s in _schedulers) s.Rewind();
                        _schedulers[0].step();
                        Copy(_schedulers[0]);
                    }

                    public override void step() => step(null);

                    public override void step(int? epoch)
                    {
                        _last_epoch = epoch ?? _last_epoch + 1;
                        var i = _milestones.Count(m => m <= _last_epoch);
                        if (i > 0 && _milestones[i - 1] == _last_epoch) _schedulers[i].step(0);
                        else _schedulers[i].step();
                        Copy(_schedulers[i]);
                    }

                    private void Copy(LRScheduler s)
                    {
                        for (var i = 0; i < _last_lrs.Count; i++) _last_lrs[i] = s._last_lrs[i];
                    }
                }

                /// <summary>Several schedules at once, each acting on what the one before left.</summary>
                public class ChainedLR : LRScheduler
                {
                    private readonly LRScheduler[] _schedulers;

                    public ChainedLR(IEnumerable<LRScheduler> schedulers) : this([.. schedulers])
                    {
                    }

                    private ChainedLR(LRScheduler[] schedulers) : base(schedulers.Length > 0 ? schedulers[0]._optimizer : throw new ArgumentException("ChainedLR needs at least one scheduler."))
                    {
                        if (schedulers.Any(s => !ReferenceEquals(s._optimizer, _optimizer))) throw new ArgumentException("All schedulers of a ChainedLR must drive the same optimizer.");
                        _schedulers = schedulers;
                    }

                    public override void step() => step(null);

                    public override void step(int? epoch)
                    {
                        foreach (var s in _schedulers) s.step(epoch);
                        var i = 0;
                        foreach (var group in _optimizer.ParamGroups) _last_lrs[i++] = group.LearningRate;
                    }
                }
            }

            public static LRScheduler StepLR(Optimizer optimizer, int step_size, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.StepLR(optimizer, step_size, gamma, last_epoch, verbose);
            public static LRScheduler MultiStepLR(Optimizer optimizer, IList<int> milestones, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.MultiStepLR(optimizer, milestones, gamma, last_epoch, verbose);
            public static LRScheduler LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new impl.LambdaLR(optimizer, lr_lambda, last_epoch, verbose);
            public static LRScheduler MultiplicativeLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new impl.MultiplicativeLR(optimizer, lr_lambda, last_epoch, verbose);
            public static LRScheduler ExponentialLR(Optimizer optimizer, double gamma = 0.1, int last_epoch = -1, bool verbose = false) => new impl.ExponentialLR(optimizer, gamma, last_epoch, verbose);
            public static LRScheduler ConstantLR(Optimizer optimizer, double factor = 1.0 / 3, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.ConstantLR(optimizer, factor, total_iters, last_epoch, verbose);
            public static LRScheduler LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1, int total_iters = 5, int last_epoch = -1, bool verbose = false) => new impl.LinearLR(optimizer, start_factor, end_factor, total_iters, last_epoch, verbose);
            public static LRScheduler PolynomialLR(Optimizer optimizer, int total_iters = 5, double power = 1, int last_epoch = -1, bool verbose = false) => new impl.PolynomialLR(optimizer, total_iters, power, last_epoch, verbose);
            public static LRScheduler CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false) => new impl.CosineAnnealingLR(optimizer, T_max, eta_min, last_epoch, verbose);
            public static LRScheduler SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1) => new impl.SequentialLR(optimizer, schedulers, milestones, last_epoch);
            public static LRScheduler ChainedLR(IEnumerable<LRScheduler> schedulers) => new impl.ChainedLR(schedulers);

            public static LRScheduler ReduceLROnPlateau(Optimizer optimizer, string mode = "min", double factor = 0.1, int patience = 10, double threshold = 1e-4, string threshold_mode = "rel", int cooldown = 0, IList<double> min_lr = null!, double eps = 1e-8, bool verbose = false) =>
                new impl.ReduceLROnPlateau(optimizer, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps, verbose);

            public static LRScheduler OneCycleLR(Optimizer optimizer, double max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, impl.OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos, bool cycle_momentum = true, double base_momentum = 0.85, double max_momentum = 0.95, double div_factor = 25, double final_div_factor = 1e4, bool three_phase = false, int last_epoch = -1, bool verbose = false) =>
                new impl.OneCycleLR(optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);

            public static LRScheduler OneCycleLR(Optimizer optimizer, IEnumerable<double> max_lr, int total_steps = -1, int epochs = -1, int steps_per_epoch = -1, double pct_start = 0.3, impl.OneCycleLR.AnnealStrategy anneal_strategy = impl.OneCycleLR.AnnealStrategy.Cos, bool cycle_momentum = true, IEnumerable<double> base_momentum = null!, IEnumerable<double> max_momentum = null!, double div_factor = 25, double final_div_factor = 1e4, bool three_phase = false, int last_epoch = -1, bool verbose = false) =>
                new impl.OneCycleLR(optimizer, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor, three_phase, last_epoch, verbose);
        }
    }
}
