using System.Reflection.Emit;
using System.Reflection.Metadata;

namespace DaML.Tests;

/// <summary>The instructions of compiled methods.</summary>
internal static class MethodCode
{
    private static readonly IReadOnlyDictionary<int, OpCode> Instructions = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>Each instruction's kind of operand, and the token if it has one of 32 bits.</summary>
    public static IEnumerable<(OperandType Operand, int Token)> Read(BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            int instruction = code.ReadByte();
            if (instruction == 0xfe) instruction = 0xfe00 | code.ReadByte();
            var operand = Instructions[instruction].OperandType;
            int size = operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                _ => 4,
            };
            int token = size == 4 ? code.ReadInt32() : 0;
            code.Offset += size == 4 ? 0 : size;
            if (operand == OperandType.InlineSwitch) code.Offset += 4 * token;    // the token is the number of targets
            yield return (operand, token);
        }
    }
}
