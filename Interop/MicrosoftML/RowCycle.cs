using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The values of a cycle, all trajectories together.</summary>
internal sealed class RowCycle(DataAssimilationContext context, RowLayout layout, int batch)
{
    private readonly (double[] Values, bool[] Present)[] columns = new (double[], bool[])[layout.Rows.Columns.Count];
    private int read;

    /// <summary>The number of trajectories whose row has not been read.</summary>
    public int Unread => batch - read;

    /// <summary>Reads the row of a trajectory.</summary>
    public void Read(RowReader reader, int trajectory)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            int size = reader.Size(i), first = trajectory * size;
            if (columns[i].Values is null) columns[i] = (new double[batch * size], new bool[batch * size]);
            reader.Read(i, columns[i].Values.AsMemory(first, size), columns[i].Present.AsSpan(first, size));
        }
        read++;
    }

    /// <summary>Makes the tensors <c>[batch, shape...]</c> of the columns and their masks.</summary>
    public void Publish(Action<Column, Tensor> set)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            var column = layout.Rows.Columns[i].Column;
            long[] shape = [batch, .. layout.Definitions.First(definition => definition.Column == column).Shape];
            set(column, tensor(columns[i].Values, dtype: context.Precision, device: context.Device).reshape(shape));
            if (layout.Rows.Missing == MissingValues.Mask)
                set(Columns.MaskOf(column), tensor(columns[i].Present, device: context.Device).reshape(shape));
        }
    }
}
