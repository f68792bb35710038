// Trains the LeNet of networks.h for an epoch on made-up pictures; prints the hash of what it learned and the seconds.
#include <chrono>
#include <cstdio>

#include "hash.h"
#include "networks.h"

int main() {
  namespace ct = cotangent;
  constexpr std::int64_t kPictures = 12000;
  ct::nn::seed(0);
  const ct::nn::Dataset data{ct::random::uniform(ct::nn::next_key(), {kPictures, 28, 28, 1}),
                             ct::random::randint(ct::nn::next_key(), {kPictures}, 0, 10, ct::DType::Int64)};
  bench::FashionLeNet net;
  ct::nn::Adam adam;
  const auto start = std::chrono::steady_clock::now();
  for (const ct::nn::Batch& batch : ct::nn::batches(data, {.size = 64, .shuffle = true})) {
    const auto [loss, grads] =
        ct::nn::value_and_grad(net, [&] { return ct::nn::cross_entropy(net(batch.inputs), batch.targets); });
    adam.step(net, grads);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%016llx %.4f\n", static_cast<unsigned long long>(bench::hash_of_model(net)), seconds.count());
}
