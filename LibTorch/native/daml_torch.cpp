// The C ABI between DaML.LibTorch and an installed libtorch.
//
// Operators are not bound one by one: they are looked up by schema name in libtorch's dispatcher and
// called with a flat array of tagged values, so one function serves all of them and autograd comes along.
// Beside that stands what is no operator: memory, metadata, the autograd engine, generators, the device.
//
// Conventions. A tensor handle is an owned at::TensorImpl*; null is the undefined tensor. Functions that
// can fail return 0 for success and 1 for failure, with the message in daml_last_error(). No C++ exception
// leaves this file. Compiles against libtorch 1.13 and 2.x: c10::optional is never named.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/forward_grad.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#if defined(DAML_WITH_CUDA_HEADERS)
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#define DAML_API extern "C" __attribute__((visibility("default")))

namespace {

using Handle = c10::TensorImpl*;

thread_local std::string last_error;

// ---------------------------------------------------------------- values

enum Tag : int32_t {
    kNone = 0,
    kBool = 1,
    kInt = 2,
    kDouble = 3,
    kComplex = 4,
    kTensor = 5,
    kIntList = 6,
    kDoubleList = 7,
    kBoolList = 8,
    kTensorList = 9,
    kString = 10,
    kDevice = 11,
    kGenerator = 12,
    // indexing only
    kSlice = 20,
    kEllipsis = 21,
};

// One argument or result. `payload` holds the number, the handle or the address of a list of `count`
// entries; `extra` the imaginary part, a device's index, or (of a returned tensor) its size in bytes.
struct Value {
    int32_t tag;
    int32_t count;
    int64_t payload;
    int64_t extra;
};
static_assert(sizeof(Value) == 24, "Value is shared with C#");

double as_double(int64_t bits) {
    double d;
    std::memcpy(&d, &bits, sizeof d);
    return d;
}

int64_t as_bits(double d) {
    int64_t bits;
    std::memcpy(&bits, &d, sizeof bits);
    return bits;
}

at::Tensor borrow(Handle h) {
    return h == nullptr ? at::Tensor() : at::Tensor(c10::intrusive_ptr<c10::TensorImpl>::reclaim_copy(h));
}

at::Tensor borrow(int64_t h) { return borrow(reinterpret_cast<Handle>(h)); }

// Gives the reference away. A zero that differentiation left without memory gets its memory here.
Handle release(at::Tensor&& t) {
    if (!t.defined()) return nullptr;
    if (t._is_zerotensor()) return at::zeros(t.sizes(), t.options()).unsafeReleaseTensorImpl();
    return t.unsafeReleaseTensorImpl();
}

int64_t nbytes_of(const c10::TensorImpl* impl) {
    return impl == nullptr || impl->is_sparse() ? 0 : impl->numel() * static_cast<int64_t>(impl->itemsize());
}

template <typename F>
int guarded(F&& f) noexcept {
    try {
        f();
        return 0;
    } catch (const c10::Error& e) {
        last_error = e.what_without_backtrace();
    } catch (const std::exception& e) {
        last_error = e.what();
    } catch (...) {
        last_error = "an exception that is no std::exception";
    }
    return 1;
}

std::vector<at::Tensor> borrow_list(const Handle* handles, int count) {
    std::vector<at::Tensor> list;
    list.reserve(count);
    for (int i = 0; i < count; i++) list.push_back(borrow(handles[i]));
    return list;
}

// ---------------------------------------------------------------- operators

enum class Kind : uint8_t { other, floating, tensor_list, optional_tensor_list, int_list, double_list };

struct Operator {
    c10::OperatorHandle handle;
    std::vector<Kind> kinds;
    std::vector<c10::IValue> defaults;
    std::vector<bool> has_default;
    std::vector<bool> optional;

    explicit Operator(c10::OperatorHandle h) : handle(std::move(h)) {
        for (const auto& arg : handle.schema().arguments()) {
            kinds.push_back(kind_of(arg.type()));
            optional.push_back(arg.type()->kind() == c10::TypeKind::OptionalType);
            const bool given = static_cast<bool>(arg.default_value());
            has_default.push_back(given);
            defaults.push_back(given ? *arg.default_value() : c10::IValue());
        }
    }

    static Kind kind_of(c10::TypePtr type) {
        if (type->kind() == c10::TypeKind::OptionalType) type = type->castRaw<c10::OptionalType>()->getElementType();
        if (type->kind() == c10::TypeKind::FloatType) return Kind::floating;
        if (type->kind() != c10::TypeKind::ListType) return Kind::other;
        const auto element = type->castRaw<c10::ListType>()->getElementType();
        switch (element->kind()) {
            case c10::TypeKind::TensorType: return Kind::tensor_list;
            case c10::TypeKind::OptionalType: return Kind::optional_tensor_list;
            case c10::TypeKind::FloatType: return Kind::double_list;
            default: return Kind::int_list;
        }
    }
};

c10::IValue to_ivalue(const Value& v, Kind kind) {
    switch (v.tag) {
        case kNone: return c10::IValue();
        case kBool: return c10::IValue(v.payload != 0);
        case kInt:
            if (kind == Kind::floating) return c10::IValue(static_cast<double>(v.payload));
            if (kind == Kind::int_list) return c10::IValue(c10::List<int64_t>({v.payload}));
            return c10::IValue(v.payload);
        case kDouble: return c10::IValue(as_double(v.payload));
        case kComplex: return c10::IValue(c10::complex<double>(as_double(v.payload), as_double(v.extra)));
        case kTensor: return c10::IValue(borrow(v.payload));
        case kIntList: {
            const auto* p = reinterpret_cast<const int64_t*>(v.payload);
            c10::List<int64_t> list;
            list.reserve(v.count);
            for (int i = 0; i < v.count; i++) list.push_back(p[i]);
            return c10::IValue(std::move(list));
        }
        case kDoubleList: {
            const auto* p = reinterpret_cast<const double*>(v.payload);
            c10::List<double> list;
            list.reserve(v.count);
            for (int i = 0; i < v.count; i++) list.push_back(p[i]);
            return c10::IValue(std::move(list));
        }
        case kBoolList: {
            const auto* p = reinterpret_cast<const uint8_t*>(v.payload);
            c10::List<bool> list;
            list.reserve(v.count);
            for (int i = 0; i < v.count; i++) list.push_back(p[i] != 0);
            return c10::IValue(std::move(list));
        }
        case kTensorList: {
            const auto* p = reinterpret_cast<const Handle*>(v.payload);
            if (kind == Kind::optional_tensor_list) {
                c10::impl::GenericList list(c10::OptionalType::create(c10::TensorType::get()));
                list.reserve(v.count);
                for (int i = 0; i < v.count; i++)
                    list.push_back(p[i] == nullptr ? c10::IValue() : c10::IValue(borrow(p[i])));
                return c10::IValue(std::move(list));
            }
            c10::List<at::Tensor> list;
            list.reserve(v.count);
            for (int i = 0; i < v.count; i++) list.push_back(borrow(p[i]));
            return c10::IValue(std::move(list));
        }
        case kString: return c10::IValue(std::string(reinterpret_cast<const char*>(v.payload), v.count));
        case kDevice:
            return c10::IValue(c10::Device(static_cast<c10::DeviceType>(v.payload), static_cast<c10::DeviceIndex>(v.extra)));
        case kGenerator:
            return c10::IValue(at::Generator(
                c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(reinterpret_cast<c10::GeneratorImpl*>(v.payload))));
        default: TORCH_CHECK(false, "unknown argument tag ", v.tag);
    }
}

template <typename T>
T* allocate(size_t count) {
    return static_cast<T*>(std::malloc(count == 0 ? 1 : count * sizeof(T)));
}

Value from_tensor(at::Tensor&& t) {
    const Handle h = release(std::move(t));
    return {kTensor, 0, reinterpret_cast<int64_t>(h), nbytes_of(h)};
}

Value from_ivalue(c10::IValue&& v) {
    if (v.isTensor()) return from_tensor(std::move(v).toTensor());
    if (v.isNone()) return {kNone, 0, 0, 0};
    if (v.isBool()) return {kBool, 0, v.toBool() ? 1 : 0, 0};
    if (v.isInt()) return {kInt, 0, v.toInt(), 0};
    if (v.isDouble()) return {kDouble, 0, as_bits(v.toDouble()), 0};
    if (v.isComplexDouble()) {
        const auto c = v.toComplexDouble();
        return {kComplex, 0, as_bits(c.real()), as_bits(c.imag())};
    }
    if (v.isTensorList()) {
        auto list = v.toTensorVector();
        auto* p = allocate<Handle>(list.size());
        for (size_t i = 0; i < list.size(); i++) p[i] = release(std::move(list[i]));
        return {kTensorList, static_cast<int32_t>(list.size()), reinterpret_cast<int64_t>(p), 0};
    }
    if (v.isIntList()) {
        const auto list = v.toIntVector();
        auto* p = allocate<int64_t>(list.size());
        std::memcpy(p, list.data(), list.size() * sizeof(int64_t));
        return {kIntList, static_cast<int32_t>(list.size()), reinterpret_cast<int64_t>(p), 0};
    }
    if (v.isString()) {
        const auto& s = v.toStringRef();
        auto* p = allocate<char>(s.size());
        std::memcpy(p, s.data(), s.size());
        return {kString, static_cast<int32_t>(s.size()), reinterpret_cast<int64_t>(p), 0};
    }
    TORCH_CHECK(false, "a result of type ", v.tagKind(), " has no counterpart here");
}

// ---------------------------------------------------------------- custom autograd nodes

// Returns 0, or an identifier under which the managed side keeps the exception that was thrown.
using BackwardCallback = int64_t (*)(int64_t context, void* node, const Handle* grads, int grad_count, Handle* results, int result_count);
using ReleaseCallback = void (*)(int64_t context);

struct ManagedNode : public torch::autograd::Node {
    std::string label;
    int64_t context = 0;
    BackwardCallback callback = nullptr;
    ReleaseCallback on_release = nullptr;
    bool materialize = true;
    struct Info { std::vector<int64_t> sizes; at::TensorOptions options; };
    std::vector<Info> output_info;
    std::vector<torch::autograd::SavedVariable> saved;
    bool released = false;

    ~ManagedNode() override {
        if (on_release != nullptr) on_release(context);
    }

    std::string name() const override { return label; }

    torch::autograd::variable_list apply(torch::autograd::variable_list&& grads) override {
        std::vector<Handle> in(grads.size());
        std::vector<at::Tensor> keep;
        for (size_t i = 0; i < grads.size(); i++) {
            at::Tensor g = grads[i];
            if (!g.defined() && materialize && i < output_info.size()) {
                g = at::zeros(output_info[i].sizes, output_info[i].options);
            }
            in[i] = g.defined() ? g.unsafeGetTensorImpl() : nullptr;
            keep.push_back(std::move(g));
        }
        std::vector<Handle> out(num_outputs(), nullptr);
        std::shared_ptr<ManagedNode> self = std::static_pointer_cast<ManagedNode>(shared_from_this());
        const int64_t failure =
            callback(context, &self, in.data(), static_cast<int>(in.size()), out.data(), static_cast<int>(out.size()));
        torch::autograd::variable_list results;
        for (Handle h : out)
            results.push_back(h == nullptr ? at::Tensor()
                                           : at::Tensor(c10::intrusive_ptr<c10::TensorImpl>::reclaim(h)));
        if (failure != 0) throw std::runtime_error("daml-managed-exception:" + std::to_string(failure));
        return results;
    }

    void release_variables() override {
        saved.clear();
        released = true;
    }
};

using NodePtr = std::shared_ptr<ManagedNode>;

}  // namespace

// ---------------------------------------------------------------- library

DAML_API const char* daml_last_error() { return last_error.c_str(); }

DAML_API void daml_free(void* p) { std::free(p); }

DAML_API const char* daml_version() {
    static const std::string version = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + "." +
                                       std::to_string(TORCH_VERSION_PATCH);
    return version.c_str();
}

// libtorch symbolises a back-trace for every exception (5 to 26 ms) unless told not to.
DAML_API int daml_initialise() {
    return guarded([] { c10::SetStackTraceFetcher([]() -> std::string { return {}; }); });
}

// ---------------------------------------------------------------- operators

DAML_API int daml_operator(const char* name, const char* overload, void** result) {
    return guarded([&] {
        *result = new Operator(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload));
    });
}

DAML_API int daml_operator_exists(const char* name, const char* overload) {
    int found = 0;
    guarded([&] { found = static_cast<bool>(c10::Dispatcher::singleton().findSchema({name, overload})) ? 1 : 0; });
    return found;
}

// OpenMP keeps its number of threads for each calling thread apart, and LAPACK sums in another order with another number:
// every thread takes on the number that was set, so that the same computation has the same bits on all of them.
static std::atomic<int> wanted_threads{0};

static void take_on_thread_count() {
    thread_local int taken_on = 0;
    const int wanted = wanted_threads.load(std::memory_order_relaxed);
    if (taken_on == wanted) return;
    at::set_num_threads(wanted);
    taken_on = wanted;
}

// Calls an operator with the first `count` of its arguments; the rest take the schema's defaults.
// Writes at most `capacity` results and their number; lists among them are freed with daml_free.
DAML_API int daml_call(const void* op, const Value* arguments, int count, Value* results, int capacity, int* result_count) {
    return guarded([&] {
        take_on_thread_count();
        const auto& o = *static_cast<const Operator*>(op);
        const int expected = static_cast<int>(o.kinds.size());
        TORCH_CHECK(count <= expected, "takes ", expected, " arguments, was given ", count);
        torch::jit::Stack stack;
        stack.reserve(expected);
        for (int i = 0; i < count; i++) {
            if (arguments[i].tag == kNone && o.has_default[i] && !o.optional[i]) stack.push_back(o.defaults[i]);
            else stack.push_back(to_ivalue(arguments[i], o.kinds[i]));
        }
        for (int i = count; i < expected; i++) {
            TORCH_CHECK(o.has_default[i], "needs its argument '", o.handle.schema().arguments()[i].name(), "'");
            stack.push_back(o.defaults[i]);
        }
        o.handle.callBoxed(&stack);
        TORCH_CHECK(static_cast<int>(stack.size()) <= capacity, "returns ", stack.size(), " values, room for ", capacity);
        for (size_t i = 0; i < stack.size(); i++) results[i] = from_ivalue(std::move(stack[i]));
        *result_count = static_cast<int>(stack.size());
    });
}

// ---------------------------------------------------------------- tensors

DAML_API void daml_tensor_free(Handle h) {
    guarded([&] { c10::intrusive_ptr<c10::TensorImpl>::reclaim(h); });
}

DAML_API Handle daml_tensor_alias(Handle h) { return release(borrow(h)); }

DAML_API int64_t daml_tensor_nbytes(Handle h) { return nbytes_of(h); }

DAML_API int daml_tensor_dtype(Handle h) {
    return static_cast<int>(c10::typeMetaToScalarType(h->dtype()));
}

DAML_API void daml_tensor_device(Handle h, int* type, int* index) {
    const auto device = h->device();
    *type = static_cast<int>(device.type());
    *index = device.index();
}

DAML_API int64_t daml_tensor_dim(Handle h) { return h->dim(); }

DAML_API int64_t daml_tensor_numel(Handle h) { return h->numel(); }

DAML_API int64_t daml_tensor_itemsize(Handle h) { return static_cast<int64_t>(h->itemsize()); }

DAML_API int daml_tensor_sizes(Handle h, int64_t* sizes) {
    return guarded([&] {
        const auto s = h->sizes();
        std::memcpy(sizes, s.data(), s.size() * sizeof(int64_t));
    });
}

DAML_API int daml_tensor_strides(Handle h, int64_t* strides) {
    return guarded([&] {
        const auto s = h->strides();
        std::memcpy(strides, s.data(), s.size() * sizeof(int64_t));
    });
}

DAML_API int daml_tensor_size(Handle h, int64_t dim, int64_t* size) {
    return guarded([&] { *size = borrow(h).size(dim); });
}

DAML_API int daml_tensor_stride(Handle h, int64_t dim, int64_t* stride) {
    return guarded([&] { *stride = borrow(h).stride(dim); });
}

DAML_API int daml_tensor_storage_offset(Handle h, int64_t* offset) {
    return guarded([&] { *offset = h->storage_offset(); });
}

DAML_API int daml_tensor_data(Handle h, void** data) {
    return guarded([&] { *data = borrow(h).data_ptr(); });
}

enum Property : int { kContiguous, kSparse, kRequiresGrad, kLeaf, kInference, kConj, kNeg, kPinned };

DAML_API int daml_tensor_is(Handle h, int property, int* result) {
    return guarded([&] {
        const auto t = borrow(h);
        switch (property) {
            case kContiguous: *result = t.is_contiguous(); break;
            case kSparse: *result = t.is_sparse(); break;
            case kRequiresGrad: *result = t.requires_grad(); break;
            case kLeaf: *result = t.is_leaf(); break;
            case kInference: *result = t.is_inference(); break;
            case kConj: *result = t.is_conj(); break;
            case kNeg: *result = t.is_neg(); break;
            case kPinned: *result = t.device().is_cpu() && at::hasCUDA() && t.is_pinned(); break;
            default: TORCH_CHECK(false, "unknown property ", property);
        }
    });
}

DAML_API int daml_tensor_set_requires_grad(Handle h, int value) {
    return guarded([&] { borrow(h).requires_grad_(value != 0); });
}

DAML_API int daml_tensor_grad(Handle h, Handle* grad) {
    return guarded([&] { *grad = release(at::Tensor(borrow(h).grad())); });
}

DAML_API int daml_tensor_set_grad(Handle h, Handle grad) {
    return guarded([&] { borrow(h).mutable_grad() = borrow(grad); });
}

DAML_API int daml_tensor_retain_grad(Handle h) {
    return guarded([&] { borrow(h).retain_grad(); });
}

// Tells autograd that the elements were written to, as an in-place operator would.
DAML_API int daml_tensor_bump_version(Handle h) {
    return guarded([&] { torch::autograd::impl::bump_version(borrow(h)); });
}

// The name of the autograd function that produced the tensor, or null. Freed with daml_free.
DAML_API char* daml_tensor_grad_fn(Handle h) {
    char* result = nullptr;
    guarded([&] {
        const auto t = borrow(h);
        const auto& fn = t.grad_fn();
        if (fn) result = strdup(fn->name().c_str());
    });
    return result;
}

// A tensor over memory of the caller's; `deleter` is called with `context` when the last reference goes.
DAML_API int daml_tensor_from_memory(void* data, const int64_t* sizes, int dims, int dtype, int device_type, int device_index,
                                     void (*deleter)(int64_t), int64_t context, Handle* result) {
    return guarded([&] {
        const auto options = at::TensorOptions()
                                 .dtype(static_cast<c10::ScalarType>(dtype))
                                 .device(c10::Device(static_cast<c10::DeviceType>(device_type),
                                                     static_cast<c10::DeviceIndex>(device_index)));
        *result = release(at::from_blob(
            data, c10::IntArrayRef(sizes, dims), [deleter, context](void*) { if (deleter != nullptr) deleter(context); }, options));
    });
}

// The value of a tensor of one element: tag kBool, kInt, kDouble or kComplex.
DAML_API int daml_tensor_item(Handle h, Value* result) {
    return guarded([&] {
        const auto s = borrow(h).item();
        if (s.isBoolean()) *result = {kBool, 0, s.toBool() ? 1 : 0, 0};
        else if (s.isIntegral(false)) *result = {kInt, 0, s.toLong(), 0};
        else if (s.isFloatingPoint()) *result = {kDouble, 0, as_bits(s.toDouble()), 0};
        else {
            const auto c = s.toComplexDouble();
            *result = {kComplex, 0, as_bits(c.real()), as_bits(c.imag())};
        }
    });
}

namespace {

std::vector<at::indexing::TensorIndex> to_indices(const Value* values, int count) {
    std::vector<at::indexing::TensorIndex> indices;
    indices.reserve(count);
    for (int i = 0; i < count; i++) {
        const auto& v = values[i];
        switch (v.tag) {
            case kNone: indices.emplace_back(at::indexing::None); break;
            case kEllipsis: indices.emplace_back(at::indexing::Ellipsis); break;
            case kBool: indices.emplace_back(v.payload != 0); break;
            case kInt: indices.emplace_back(v.payload); break;
            case kTensor: indices.emplace_back(borrow(v.payload)); break;
            case kSlice: {
                // payload points at start, stop, step; count says which are given (bits 1, 2, 4)
                const auto* p = reinterpret_cast<const int64_t*>(v.payload);
                const int64_t step = (v.count & 4) ? p[2] : 1;
                const int64_t start = (v.count & 1) ? p[0] : (step < 0 ? at::indexing::INDEX_MAX : 0);
                const int64_t stop = (v.count & 2) ? p[1] : (step < 0 ? at::indexing::INDEX_MIN : at::indexing::INDEX_MAX);
                indices.emplace_back(at::indexing::Slice(start, stop, step));
                break;
            }
            default: TORCH_CHECK(false, "unknown index tag ", v.tag);
        }
    }
    return indices;
}

}  // namespace

DAML_API int daml_tensor_index(Handle h, const Value* indices, int count, Value* result) {
    return guarded([&] { *result = from_tensor(borrow(h).index(to_indices(indices, count))); });
}

DAML_API int daml_tensor_index_put(Handle h, const Value* indices, int count, Handle value) {
    return guarded([&] { borrow(h).index_put_(to_indices(indices, count), borrow(value)); });
}

// ---------------------------------------------------------------- autograd

DAML_API int daml_backward(const Handle* tensors, int count, const Handle* grads, int grad_count, int retain_graph,
                           int create_graph, const Handle* inputs, int input_count) {
    return guarded([&] {
        torch::autograd::backward(borrow_list(tensors, count), borrow_list(grads, grad_count), retain_graph != 0,
                                  create_graph != 0, borrow_list(inputs, input_count));
    });
}

DAML_API int daml_grad(const Handle* outputs, int output_count, const Handle* inputs, int input_count, const Handle* grads,
                       int grad_count, int retain_graph, int create_graph, int allow_unused, Handle* results) {
    return guarded([&] {
        auto list = torch::autograd::grad(borrow_list(outputs, output_count), borrow_list(inputs, input_count),
                                          borrow_list(grads, grad_count), retain_graph != 0, create_graph != 0,
                                          allow_unused != 0);
        for (size_t i = 0; i < list.size(); i++) results[i] = release(std::move(list[i]));
    });
}

DAML_API int daml_grad_mode() { return c10::GradMode::is_enabled() ? 1 : 0; }

DAML_API void daml_set_grad_mode(int enabled) { c10::GradMode::set_enabled(enabled != 0); }

DAML_API int daml_inference_mode() { return c10::InferenceMode::is_enabled() ? 1 : 0; }

DAML_API void* daml_inference_mode_enter(int enabled) { return new c10::InferenceMode(enabled != 0); }

DAML_API void daml_inference_mode_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

DAML_API int daml_anomaly_mode() { return torch::autograd::AnomalyMode::is_enabled() ? 1 : 0; }

DAML_API int daml_anomaly_check_nan() { return torch::autograd::AnomalyMode::should_check_nan() ? 1 : 0; }

DAML_API void daml_set_anomaly_mode(int enabled, int check_nan) {
    torch::autograd::AnomalyMode::set_enabled(enabled != 0, check_nan != 0);
}

DAML_API int daml_forward_level_enter(int64_t* level) {
    return guarded([&] { *level = static_cast<int64_t>(torch::autograd::ForwardADLevel::get_next_idx()); });
}

DAML_API int daml_forward_level_leave(int64_t level) {
    return guarded([&] { torch::autograd::ForwardADLevel::release_idx(static_cast<uint64_t>(level)); });
}

// A node of the graph whose backward pass is `callback`; `on_release` is called once when the node goes.
DAML_API int daml_node_create(const char* name, int64_t context, BackwardCallback callback, ReleaseCallback on_release,
                              void** node) {
    return guarded([&] {
        auto* p = new NodePtr(new ManagedNode(), torch::autograd::deleteNode);
        (*p)->label = name;
        (*p)->context = context;
        (*p)->callback = callback;
        (*p)->on_release = on_release;
        *node = p;
    });
}

DAML_API void daml_node_free(void* node) { delete static_cast<NodePtr*>(node); }

// Connects the node to what the forward pass was given. `*executable` says whether any of it needs a gradient.
DAML_API int daml_node_inputs(void* node, const Handle* inputs, int count, int* executable) {
    return guarded([&] {
        const auto list = borrow_list(inputs, count);
        bool any = false;
        if (c10::GradMode::is_enabled())
            for (const auto& t : list) any = any || (t.defined() && t.requires_grad());
        auto& n = **static_cast<NodePtr*>(node);
        if (any) n.set_next_edges(torch::autograd::collect_next_edges(list));
        *executable = any ? 1 : 0;
    });
}

// Gives the outputs of the forward pass their history. flags: 1 not differentiable, 2 changed in place.
DAML_API int daml_node_outputs(void* node, const Handle* inputs, int input_count, const Handle* outputs, const int* flags,
                               int count, int executable, int materialize, const Handle* saved, int saved_count, Handle* results) {
    return guarded([&] {
        const NodePtr& n = *static_cast<NodePtr*>(node);
        n->materialize = materialize != 0;
        std::vector<at::Tensor> wrapped;
        for (int i = 0; i < count; i++) {
            at::Tensor t = borrow(outputs[i]);
            const bool is_input = [&] {
                for (int j = 0; j < input_count; j++)
                    if (inputs[j] == outputs[i]) return true;
                return false;
            }();
            const bool differentiable = executable && !(flags[i] & 1) &&
                                        (at::isFloatingType(t.scalar_type()) || at::isComplexType(t.scalar_type()));
            if (flags[i] & 2) {
                torch::autograd::impl::bump_version(t);
                if (executable) {
                    TORCH_CHECK(!(t.requires_grad() && t.is_leaf()),
                                "a leaf that requires a gradient was marked as changed in place");
                    const auto number = n->add_input_metadata(t);
                    torch::autograd::impl::rebase_history(t, {n, number});
                }
            } else {
                if (is_input || t.is_view() || t.requires_grad()) t = t.detach();
                if (differentiable) torch::autograd::set_history(t, n);
                else if (executable) n->add_input_metadata(torch::autograd::Node::undefined_input());
            }
            if (executable) n->output_info.push_back({t.sizes().vec(), at::TensorOptions().dtype(t.scalar_type()).device(t.device())});
            wrapped.push_back(t);
        }
        if (executable) {
            for (int i = 0; i < saved_count; i++) {
                at::Tensor t = borrow(saved[i]);
                // an output is saved without its history, or it would keep itself alive
                bool is_output = false;
                for (int j = 0; j < count; j++)
                    if (saved[i] != nullptr && saved[i] == outputs[j]) { is_output = true; t = wrapped[j]; break; }
                n->saved.emplace_back(t, is_output && t.defined() && t.grad_fn().get() == n.get());
            }
        }
        for (int i = 0; i < count; i++) results[i] = release(std::move(wrapped[i]));
    });
}

DAML_API int daml_node_saved_count(void* node) { return static_cast<int>((*static_cast<NodePtr*>(node))->saved.size()); }

DAML_API int daml_node_saved(void* node, Handle* results) {
    return guarded([&] {
        const NodePtr& n = *static_cast<NodePtr*>(node);
        TORCH_CHECK(!n->released, "backward through ", n->label,
                    " a second time: its saved tensors were freed. Ask for retain_graph the first time.");
        for (size_t i = 0; i < n->saved.size(); i++) results[i] = release(n->saved[i].unpack(n));
    });
}

// ---------------------------------------------------------------- generators

DAML_API int daml_generator_create(int device_type, int device_index, int64_t seed, void** result) {
    return guarded([&] {
        const c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
        at::Generator g = device.is_cpu() ? at::detail::createCPUGenerator(static_cast<uint64_t>(seed))
                                          : at::globalContext().defaultGenerator(device).clone();
        g.set_current_seed(static_cast<uint64_t>(seed));
        *result = g.unsafeReleaseGeneratorImpl();
    });
}

DAML_API int daml_generator_default(int device_type, int device_index, void** result) {
    return guarded([&] {
        at::Generator g = at::globalContext().defaultGenerator(
            c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)));
        *result = g.unsafeReleaseGeneratorImpl();
    });
}

DAML_API void daml_generator_free(c10::GeneratorImpl* g) {
    guarded([&] { c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(g); });
}

namespace {
at::Generator borrow_generator(c10::GeneratorImpl* g) {
    return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(g));
}
}  // namespace

DAML_API int daml_generator_set_seed(c10::GeneratorImpl* g, int64_t seed) {
    return guarded([&] {
        auto generator = borrow_generator(g);
        std::lock_guard<std::mutex> lock(generator.mutex());
        generator.set_current_seed(static_cast<uint64_t>(seed));
    });
}

DAML_API int daml_generator_seed(c10::GeneratorImpl* g, int64_t* seed) {
    return guarded([&] {
        auto generator = borrow_generator(g);
        std::lock_guard<std::mutex> lock(generator.mutex());
        *seed = static_cast<int64_t>(generator.seed());
    });
}

DAML_API int daml_generator_initial_seed(c10::GeneratorImpl* g, int64_t* seed) {
    return guarded([&] { *seed = static_cast<int64_t>(borrow_generator(g).current_seed()); });
}

DAML_API int daml_generator_get_state(c10::GeneratorImpl* g, Handle* state) {
    return guarded([&] {
        auto generator = borrow_generator(g);
        std::lock_guard<std::mutex> lock(generator.mutex());
        *state = release(generator.get_state());
    });
}

DAML_API int daml_generator_set_state(c10::GeneratorImpl* g, Handle state) {
    return guarded([&] {
        auto generator = borrow_generator(g);
        std::lock_guard<std::mutex> lock(generator.mutex());
        generator.set_state(borrow(state));
    });
}

// Seeds the default generators of the processor and of every CUDA device.
DAML_API int daml_manual_seed(int64_t seed) {
    return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

// ---------------------------------------------------------------- threads, devices

// The type that operators give where their arguments do not decide, as the quotient of integers.
DAML_API int daml_set_default_dtype(int dtype) {
    return guarded([&] { c10::set_default_dtype(c10::scalarTypeToTypeMeta(static_cast<c10::ScalarType>(dtype))); });
}

DAML_API void daml_set_num_threads(int n) {
    guarded([&] {
        at::set_num_threads(n);
        wanted_threads = n;
    });
}

DAML_API int daml_get_num_threads() {
    guarded([] { take_on_thread_count(); });
    return at::get_num_threads();
}

DAML_API int daml_set_num_interop_threads(int n) {
    return guarded([&] { at::set_num_interop_threads(n); });
}

DAML_API int daml_get_num_interop_threads() { return static_cast<int>(at::get_num_interop_threads()); }

DAML_API int daml_cuda_device_count() {
    int count = 0;
    guarded([&] { count = at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0; });
    return count;
}

DAML_API int daml_cuda_has_cudnn() {
    int has = 0;
    guarded([&] { has = at::hasCUDA() && at::detail::getCUDAHooks().hasCuDNN() ? 1 : 0; });
    return has;
}

DAML_API int daml_cuda_synchronize(int device_index) {
    return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device_index)); });
}

// bytes: allocated, peak allocated, reserved, peak reserved. -1 where this build cannot tell.
DAML_API int daml_cuda_memory(int device_index, int64_t* bytes) {
    return guarded([&] {
        bytes[0] = bytes[1] = bytes[2] = bytes[3] = -1;
#if defined(DAML_WITH_CUDA_HEADERS)
        const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device_index));
        bytes[0] = stats.allocated_bytes[0].current;
        bytes[1] = stats.allocated_bytes[0].peak;
        bytes[2] = stats.reserved_bytes[0].current;
        bytes[3] = stats.reserved_bytes[0].peak;
#else
        (void)device_index;
#endif
    });
}

DAML_API int daml_cuda_reset_peak_memory(int device_index) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        c10::cuda::CUDACachingAllocator::resetPeakStats(static_cast<c10::DeviceIndex>(device_index));
#else
        (void)device_index;
#endif
    });
}

DAML_API int daml_cuda_empty_cache() {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        c10::cuda::CUDACachingAllocator::emptyCache();
#endif
    });
}

// Major and minor compute capability. -1 where this build cannot tell.
DAML_API int daml_cuda_capability(int device_index, int* major, int* minor) {
    return guarded([&] {
        *major = *minor = -1;
#if defined(DAML_WITH_CUDA_HEADERS)
        C10_CUDA_CHECK(cudaDeviceGetAttribute(major, cudaDevAttrComputeCapabilityMajor, device_index));
        C10_CUDA_CHECK(cudaDeviceGetAttribute(minor, cudaDevAttrComputeCapabilityMinor, device_index));
#else
        (void)device_index;
#endif
    });
}

// ---------------------------------------------------------------- work that is recorded and played again

// Whether this build can record.
DAML_API int daml_cuda_graphs() {
#if defined(DAML_WITH_CUDA_HEADERS)
    return 1;
#else
    return 0;
#endif
}

#if defined(DAML_WITH_CUDA_HEADERS)
namespace {

// A recording, the stream beside the usual one on which it is made, and the stream that was current before.
struct Recording {
    c10::DeviceIndex device;
    c10::cuda::CUDAStream side;
    c10::cuda::CUDAStream outer;
    bool entered = false;
    at::cuda::CUDAGraph graph;

    explicit Recording(c10::DeviceIndex index)
        : device(index), side(c10::cuda::getStreamFromPool(false, index)), outer(c10::cuda::getCurrentCUDAStream(index)) {}

    c10::Device place() const { return c10::Device(c10::DeviceType::CUDA, device); }
};

// Other threads may go on using the device while one records, where this libtorch can say so (2.1 and above).
template <typename Graph>
auto begin(Graph& graph, int) -> decltype(graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal)) {
    return graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
}

template <typename Graph>
void begin(Graph& graph, long) {
    graph.capture_begin();
}

}  // namespace
#endif

DAML_API int daml_cuda_graph_create(int device_index, void** result) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        const auto index = static_cast<c10::DeviceIndex>(device_index);
        const c10::DeviceGuard there(c10::Device(c10::DeviceType::CUDA, index));
        *result = new Recording(index);
#else
        (void)device_index;
        (void)result;
        TORCH_CHECK(false, "this binding was compiled without CUDA's headers, so it cannot record work of a device");
#endif
    });
}

DAML_API void daml_cuda_graph_free(void* recording) {
#if defined(DAML_WITH_CUDA_HEADERS)
    guarded([&] {
        auto* r = static_cast<Recording*>(recording);
        const c10::DeviceGuard there(r->place());
        delete r;
    });
#else
    (void)recording;
#endif
}

// What this thread does from now on, until it leaves, is done on the side stream.
DAML_API int daml_cuda_graph_enter(void* recording) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        auto& r = *static_cast<Recording*>(recording);
        r.outer = c10::cuda::getCurrentCUDAStream(r.device);
        r.outer.synchronize();
        c10::cuda::setCurrentCUDAStream(r.side);
        r.entered = true;
#else
        (void)recording;
#endif
    });
}

DAML_API int daml_cuda_graph_leave(void* recording) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        auto& r = *static_cast<Recording*>(recording);
        if (!r.entered) return;
        r.entered = false;
        c10::cuda::setCurrentCUDAStream(r.outer);
        r.side.synchronize();
#else
        (void)recording;
#endif
    });
}

// Between these two nothing is done: it is recorded. Memory comes from a pool that the recording owns.
DAML_API int daml_cuda_graph_begin(void* recording) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        auto& r = *static_cast<Recording*>(recording);
        TORCH_CHECK(r.entered, "a recording is made on its side stream: enter it first");
        const c10::DeviceGuard there(r.place());
        begin(r.graph, 0);
#else
        (void)recording;
#endif
    });
}

DAML_API int daml_cuda_graph_end(void* recording) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        auto& r = *static_cast<Recording*>(recording);
        const c10::DeviceGuard there(r.place());
        r.graph.capture_end();
#else
        (void)recording;
#endif
    });
}

// Does what was recorded, on the thread's current stream, without waiting for it.
DAML_API int daml_cuda_graph_replay(void* recording) {
    return guarded([&] {
#if defined(DAML_WITH_CUDA_HEADERS)
        static_cast<Recording*>(recording)->graph.replay();
#else
        (void)recording;
#endif
    });
}

enum Flag : int { kMatmulTf32, kMatmulFp16Reduction, kCudnnTf32, kCudnnBenchmark, kDeterministic, kFlushDenormal };

DAML_API int daml_get_flag(int flag, int* value) {
    return guarded([&] {
        auto& context = at::globalContext();
        switch (flag) {
            case kMatmulTf32: *value = context.allowTF32CuBLAS(); break;
            case kMatmulFp16Reduction: {
                // a bool up to 2.8, then an enumeration whose first value allows it
                const auto allowed = context.allowFP16ReductionCuBLAS();
                *value = std::is_same<std::decay_t<decltype(allowed)>, bool>::value ? static_cast<int>(allowed) : static_cast<int>(allowed) == 0;
                break;
            }
            case kCudnnTf32: *value = context.allowTF32CuDNN(); break;
            case kCudnnBenchmark: *value = context.benchmarkCuDNN(); break;
            case kDeterministic: *value = context.deterministicAlgorithms(); break;
            default: TORCH_CHECK(false, "unknown flag ", flag);
        }
    });
}

DAML_API int daml_set_flag(int flag, int value) {
    return guarded([&] {
        auto& context = at::globalContext();
        switch (flag) {
            case kMatmulTf32: context.setAllowTF32CuBLAS(value != 0); break;
            case kMatmulFp16Reduction: context.setAllowFP16ReductionCuBLAS(value != 0); break;
            case kCudnnTf32: context.setAllowTF32CuDNN(value != 0); break;
            case kCudnnBenchmark: context.setBenchmarkCuDNN(value != 0); break;
            case kDeterministic: context.setDeterministicAlgorithms(value != 0, false); break;
            case kFlushDenormal: context.setFlushDenormal(value != 0); break;
            default: TORCH_CHECK(false, "unknown flag ", flag);
        }
    });
}
