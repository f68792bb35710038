// Rows of the error table: files that are missing, damaged or of another model.
#include <filesystem>
#include <fstream>

#include "error_table.h"
#include "temporary_folder.h"

namespace cotangent::testing {
namespace {

// Calls f in an empty folder, so that paths in messages are names alone.
std::function<void()> in_a_folder(std::function<void()> f) {
  return [f = std::move(f)] {
    const TemporaryFolder folder;
    struct There {
      std::filesystem::path before = std::filesystem::current_path();
      explicit There(const std::string& path) { std::filesystem::current_path(path); }
      ~There() { std::filesystem::current_path(before); }
    } const there(folder.path());
    f();
  };
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct Net {
  nn::Linear linear{4, 2};
  nn::BatchNorm norm{2};
  void visit(nn::Visitor& v) { v("linear", linear), v("norm", norm); }
};

void load_into_net(const std::map<std::string, Tensor>& tensors) {
  nn::save_safetensors(tensors, "net.safetensors");
  Net net;
  nn::load(net, "net.safetensors");
}

}  // namespace

std::vector<ErrorRow> file_errors() {
  return {
      {"no_such_array", in_a_folder([] { load_npy("x.npy"); }),
       "load_npy: cannot open 'x.npy': No such file or directory", true},
      {"not_an_array", in_a_folder([] {
         write("x.npy", "1, 2, 3");
         load_npy("x.npy");
       }),
       "load_npy: x.npy: does not begin as a .npy file; write it with numpy.save", true},
      {"no_such_folder", in_a_folder([] { save_npy("results/x.npy", ones({3})); }),
       "save_npy: cannot write 'results/x.npy': No such file or directory", true},
      {"no_such_checkpoint", in_a_folder([] {
         Net net;
         nn::load(net, "net.safetensors");
       }),
       "load_safetensors: cannot open 'net.safetensors': No such file or directory", true},
      {"not_a_checkpoint", in_a_folder([] {
         write("net.safetensors", "hello");
         nn::load_safetensors("net.safetensors");
       }),
       "load_safetensors: 'net.safetensors' is not a valid safetensors file: it has 5 bytes, fewer than 8", true},
      {"checkpoint_of_other_names", in_a_folder([] {
         load_into_net({{"linear.weights", ones({4, 2})},
                        {"linear.bias", ones({2})},
                        {"norm.weight", ones({2})},
                        {"norm.bias", ones({2})},
                        {"norm.running_mean", ones({2})},
                        {"norm.running_var", ones({2})}});
       }),
       "load: 'net.safetensors' does not fit the model: 'linear.weight' is missing; the model has no 'linear.weights', "
       "but 'linear.weight'",
       true},
      {"checkpoint_of_another_shape", in_a_folder([] {
         load_into_net({{"linear.weight", ones({2, 4})},
                        {"linear.bias", ones({2}, DType::Float64)},
                        {"norm.weight", ones({2})},
                        {"norm.bias", ones({2})},
                        {"norm.running_mean", ones({2})},
                        {"norm.running_var", ones({2})}});
       }),
       "load: 'net.safetensors' does not fit the model: 'linear.weight' is Float32 (2, 4), the model has Float32 (4, "
       "2); 'linear.bias' is Float64 (2,), the model has Float32 (2,)",
       true},
      {"no_data_set", in_a_folder([] { nn::load_fashion_mnist(".", nn::Split::Train); }),
       "load_fashion_mnist: there is no train-images-idx3-ubyte.gz or train-images-idx3-ubyte in '.'; install the "
       "Debian package dataset-fashion-mnist (apt install dataset-fashion-mnist) or name the folder that has them",
       true},
      {"not_an_idx_file", in_a_folder([] {
         write("train-images-idx3-ubyte", "pixels");
         nn::load_idx("train-images-idx3-ubyte");
       }),
       "load_idx: 'train-images-idx3-ubyte' is not an IDX file: it begins with 0x70697865, not with 0x000008 to "
       "0x00000e and the number of axes",
       true},
  };
}

}  // namespace cotangent::testing
